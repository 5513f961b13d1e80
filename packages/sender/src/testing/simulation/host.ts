import { generateSecret, type HooksError, type Storage } from '@hooks/core'
import type { Sender } from '../../sender-api.ts'
import { events, type SimulatedEvents } from './contract.ts'
import type { Process } from './process.ts'
import { HABITS } from './receiver.ts'
import { FAULTY_FOR, passing, SPARE, TENANTS, type World } from './world.ts'

/** An endpoint of a simulated customer. */
export interface Target {
  readonly id: string
  readonly tenant: string
}

/** What sends, and what a person does to endpoints and deliveries: in processes that may die too. */
export interface Host {
  /** Endpoints of all habits, made without faults. */
  readonly endpoints: readonly Target[]
  /** Sends all messages. */
  send(): Promise<void>
  /** Rotates, disables, resends and so on, for as long as things go wrong. */
  meddle(): Promise<void>
}

/** Ordering keys of a tenant. */
const ORDERS = ['a', 'b']
const MESSAGES = 6
const ENDPOINTS_OF_TENANT = 2
const JOB = { since: new Date(0), perSecond: 2 }
/** How often the first message ends whoever sends it. */
const DEADLY = 0.15
/** What a person does, by how often. */
const ACTS = [
  'rotate',
  'disable',
  'enable',
  'resend',
  'resend',
  'cancel',
  'create',
  'remove',
  'recover',
  'replay',
] as const

/** `raw` is a connection that nothing befalls. */
export async function createHost(world: World, raw: Storage, start: (name: string) => Process): Promise<Host> {
  const { clock, random, dice, plan, receiver, operations, note } = world
  let process = start('host.0')
  let lives = 0

  /** Makes a call until it is known to have worked; null where it is refused. */
  async function insist<T>(call: (sender: Sender<SimulatedEvents>) => Promise<T>): Promise<T | null> {
    for (;;) {
      if (process.incarnation.dead) process = start(`host.${++lives}`)
      const { sender, incarnation } = process
      try {
        const outcome = await Promise.race([call(sender).then((value) => ({ value })), incarnation.died])
        if (outcome) return outcome.value
      } catch (error) {
        const { code } = error as HooksError
        if (!code?.startsWith('storage_') && code !== 'endpoint_conflict') return null
      }
      await clock.sleep(dice.between(50, 500))
    }
  }

  async function createEndpoint(tenant: string, n: number): Promise<Target> {
    const { endpoints } = process.sender
    const habit = dice.pick(HABITS)
    const secret = generateSecret(random)
    const filters = dice.chance(0.3) ? { events: ['order.*' as const] } : {}
    const { id } = await passing(
      clock,
      endpoints.create(tenant, { url: `https://receiver.example/${n}`, secret, ...filters }),
      50,
    )
    await passing(clock, endpoints.update(tenant, id, { url: `https://receiver.example/${id}` }), 50)
    receiver.secrets.set(id, [secret])
    receiver.habits.set(id, habit)
    return { id, tenant }
  }

  async function createEndpoints(): Promise<Target[]> {
    plan.active = false
    const made: Target[] = []
    for (const tenant of TENANTS)
      for (let i = 0; i < ENDPOINTS_OF_TENANT; i++) made.push(await createEndpoint(tenant, made.length))
    plan.active = true
    return made
  }

  async function sendOne(n: number): Promise<void> {
    const type = dice.pick(events.types)
    const tenant = dice.pick(TENANTS)
    const orderingKey = dice.chance(0.5) ? dice.pick(ORDERS) : undefined
    const order = orderingKey === undefined ? {} : { orderingKey }
    const deliverAt =
      orderingKey === undefined && dice.chance(0.15)
        ? { deliverAt: new Date(clock.now().getTime() + dice.between(1_000, 9_000)) }
        : {}
    const send = async (key: string) => {
      const calledAt = operations.steps++
      const sent = await insist((sender) =>
        sender.send(type, { n }, { tenant, idempotencyKey: key, ...deliverAt, ...order }),
      )
      const returnedAt = operations.steps++
      if (sent) operations.sent.push({ id: sent.id, type, tenant, key, ...order, calledAt, returnedAt })
      return sent
    }
    // Two at once have no order between them, and both have one with what was before.
    const twice = order.orderingKey !== undefined && dice.chance(0.3)
    const [sent] = await Promise.all([send(`key-${n}`), ...(twice ? [send(`key-${n}-too`)] : [])])
    if (sent && n === 0 && dice.chance(DEADLY)) receiver.deadly.add(sent.id)
  }

  const acts: Record<(typeof ACTS)[number], (target: Target) => Promise<unknown>> = {
    rotate({ tenant, id }) {
      // The receiver gets the new secret first, as a careful owner would do it.
      const secret = generateSecret(random)
      receiver.secrets.set(id, [secret, ...(receiver.secrets.get(id) ?? [])])
      const revoke = dice.chance(0.2)
      return insist((sender) => sender.endpoints.rotateSecret(tenant, id, { secret, overlap: '10s', revoke }))
    },
    disable({ tenant, id }) {
      operations.disabled.add(id)
      return insist((sender) => sender.endpoints.disable(tenant, id))
    },
    enable({ tenant, id }) {
      operations.enabled.add(id)
      return insist((sender) => sender.endpoints.enable(tenant, id))
    },
    resend: (target) => onDelivery(target, 'resend', operations.resent),
    cancel: (target) => onDelivery(target, 'cancel', operations.cancelled),
    async create() {
      const made = await insist((sender) => sender.endpoints.create(SPARE, { url: 'https://spare.example/' }))
      if (made) operations.spare.add(made.id)
    },
    async remove() {
      const { data } = await raw.endpoints.list(SPARE, { limit: 10 })
      const [spare] = data
      if (!spare) return
      operations.spare.delete(spare.id)
      await insist((sender) => sender.endpoints.remove(SPARE, spare.id))
    },
    recover({ tenant, id }) {
      operations.recovered.add(id)
      return insist((sender) => sender.recover(tenant, id, JOB))
    },
    replay: ({ tenant, id }) => insist((sender) => sender.replayMissing(tenant, id, JOB)),
  }
  async function onDelivery({ tenant, id }: Target, act: 'resend' | 'cancel', done: Set<string>): Promise<void> {
    const { data } = await raw.history.deliveries({ tenant, endpoint: id }, { limit: 20 })
    if (data.length === 0) return
    const chosen = dice.pick(data)
    done.add(chosen.id)
    await insist((sender) => sender.deliveries[act](tenant, chosen.id))
  }

  const endpoints = await createEndpoints()
  return {
    endpoints,
    async send() {
      for (let n = 0; n < MESSAGES; n++) {
        await clock.sleep(dice.between(0, 6_000))
        await sendOne(n)
      }
    },
    async meddle() {
      while (clock.monotonic() < FAULTY_FOR) {
        await clock.sleep(dice.between(500, 8_000))
        const target = dice.pick(endpoints)
        const act = dice.pick(ACTS)
        note(`meddle ${act} ${target.id}`)
        await acts[act](target)
      }
    },
  }
}
