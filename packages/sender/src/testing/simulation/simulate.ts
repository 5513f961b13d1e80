import { createHash } from 'node:crypto'
import {
  type Clock,
  type DeliveryView,
  defineContract,
  defineEvents,
  generateSecret,
  type HooksError,
  type Ms,
  type Random,
  type Storage,
  silentLogger,
  toMs,
} from '@hooks/core'
import { createSender } from '../../sender.ts'
import type { Sender } from '../../sender-api.ts'
import { memoryQueue } from '../memory-queue.ts'
import { seededRandom } from '../seeded-random.ts'
import { virtualClock } from '../virtual-clock.ts'
import type { Operations } from './books.ts'
import { type PlantedBug, plant, pollOf } from './bugs.ts'
import { createDice } from './dice.ts'
import { carrier, createFaultPlan, type FaultTable, faultyStorage, type Incarnation } from './faults.ts'
import { judge } from './oracle.ts'
import { createFaultyQueue, type RingTable } from './queue-faults.ts'
import { createSimulatedReceiver, HABITS } from './receiver.ts'
import { createSimulatedTransport } from './transport.ts'
import { watch } from './watched-storage.ts'

/** A database that outlives the processes of a simulation. */
export interface SimulatedDatabase {
  /** A connection, as a new process opens it. */
  connect(): Storage<never>
  close(): Promise<void>
}

/** Options of {@link simulate}. */
export interface SimulationOptions {
  /** The same seed is the same run, to the last byte. */
  readonly seed: number
  readonly database: (seams: { readonly clock: Clock; readonly random: Random }) => Promise<SimulatedDatabase>
  /** A bug to put in, to see that it is found. */
  readonly bug?: PlantedBug
}

/** What a simulation found. A run without `violations` lost nothing, repeated nothing without a reason, and came to rest. */
export interface SimulationReport {
  readonly seed: number
  /** Of everything that happened, in order. */
  readonly hash: string
  readonly violations: readonly string[]
  readonly deliveries: number
  readonly requests: number
  /** Receptions of what had been received already, all of them explained unless `violations` says otherwise. */
  readonly duplicates: number
  readonly crashes: number
  readonly faults: FaultTable
  /** What befell rings: nothing where the processes had no queue, which is so in every other run. */
  readonly rings: RingTable
}

const LEASE: Ms = 10_000
const DEADLINE: Ms = 3_000
const CAP = 3
const RETRY = ['0s', '2s', '5s', '10s', '20s', '20s'] as const
const TENANTS = ['acme', 'globex']
/** A tenant whose endpoints come and go, and who gets no messages. */
const SPARE = 'initech'
const WORKERS = 3
/** Less than what a signature's time may be off, and far more than a lease. */
const SKEW: Ms = 200_000
/** Ordering keys of a tenant. */
const ORDERS = ['a', 'b']
const MESSAGES = 6
/** How often the first message ends whoever sends it. */
const DEADLY = 0.15
/** How often a worker is stopped with the step of a job that it has just claimed. */
const LEAVES = 0.06
const FAULTY_FOR: Ms = 60_000
const REST: Ms = 20 * 60_000

/** The most that jitter adds to a delay, as a part of it. */
const JITTER = 0.2
/** The least for which an endpoint is left alone that says that it is overloaded. */
const PACED: Ms = 5_000
/** More than a run takes, and less than the schedule. */
const MAX_AGES: readonly Ms[] = [3_600_000, 3_600_000, 30_000]

const events = defineEvents({ 'order.paid': {}, 'order.shipped': {}, 'user.deleted': {} })
const contractOf = (maxAge: Ms) =>
  defineContract({
    events,
    policy: {
      retry: [...RETRY],
      jitter: JITTER,
      deadline: DEADLINE,
      maxAge,
      breaker: { after: 4, hold: '1s', longestHold: '8s' },
    },
  })

/**
 * Plays a host, three workers and their receivers on a virtual clock: sends, deliveries, resends, rotations,
 * endpoints that are disabled and enabled, while calls fail before, after and instead, rings are lost, late and repeated,
 * processes die and stand still for longer than a lease. Then it lets everything come to rest, and judges.
 *
 * @example
 * const report = await simulate({ seed: 7, database: async (seams) => {
 *   const storage = memoryStorage(seams)
 *   return { connect: () => storage, close: () => storage.close() }
 * } })
 */
export async function simulate({ seed, database, bug }: SimulationOptions): Promise<SimulationReport> {
  const clock = virtualClock()
  const random = seededRandom(seed)
  const dice = createDice(random)
  const maxAge = dice.pick(MAX_AGES)
  const contract = contractOf(maxAge)
  const trace: string[] = []
  const plan = createFaultPlan(dice)
  const receiver = createSimulatedReceiver(clock, dice, CAP, LEASE)
  const db = await database({ clock, random })
  const raw = db.connect()
  const note = (event: string) => trace.push(`${clock.monotonic().toFixed(0)} ${event}`)
  const queue = createFaultyQueue(memoryQueue({ clock }), plan, dice, note)
  const queued = bug === 'rings_only' || dice.chance(0.5)
  const operations: Operations = {
    sent: [],
    disabled: new Set(),
    enabled: new Set(),
    recovered: new Set(),
    resent: new Set(),
    cancelled: new Set(),
    incidents: [],
    notBefore: new Map(),
    claimed: [],
    settled: [],
    holders: new Map(),
    deaths: new Map(),
    spare: new Set(),
    steps: 0,
  }
  const sabotage = bug ? plant(bug, dice) : {}
  /** What the storage's clock shows, and what a process's own may show beside it. */
  const skewed = (ms: Ms): Clock => ({ ...clock, now: () => new Date(clock.now().getTime() + ms) })
  let crashes = 0
  let over = false

  function boot(name: string): { sender: Sender; incarnation: Incarnation } {
    let dies: (nothing: null) => void = () => {}
    const died = new Promise<null>((resolve) => {
      dies = resolve
    })
    const incarnation: Incarnation = {
      name,
      dead: false,
      died,
      stalledAt: null,
      left: false,
      leave() {
        incarnation.left = true
        note(`${name} leaves`)
        void Promise.race([sender.stop(), incarnation.died])
      },
      crash() {
        incarnation.dead = true
        dies(null)
        crashes++
        note(`${name} died`)
        operations.incidents.push({ by: incarnation, at: clock.monotonic(), what: 'crash' })
      },
    }
    const longer = () => LEASE * (1.1 + dice.float())
    const carry = carrier(incarnation, plan, dice, clock, longer, (event) => {
      note(event)
      if (!event.endsWith(' ')) operations.incidents.push({ by: incarnation, at: clock.monotonic(), what: event })
    })
    const connection = db.connect()
    const skewMs = dice.chance(0.4) ? dice.between(-SKEW, SKEW) : 0
    const sabotaged = sabotage.storage?.(connection, skewMs) ?? connection
    // A step of a job is given back only by a process that is stopped between claiming and beginning it.
    const mayLeave = () => {
      if (plan.active && dice.chance(LEAVES)) incarnation.leave()
    }
    const watched = watch(sabotaged, operations, clock, incarnation, mayLeave)
    const honest = createSimulatedTransport(incarnation, carry, receiver, clock, operations, note)
    const sender = createSender({
      contract,
      storage: faultyStorage(watched, carry),
      clock: skewed(skewMs),
      random,
      logger: silentLogger,
      transport: sabotage.transport?.(honest) ?? honest,
      ordering: { onBlocked: 'hold' },
      lease: LEASE,
      poll: pollOf(bug),
      ...(queued && { queue: queue.connect(incarnation) }),
      concurrency: 6,
      endpointConcurrency: CAP,
    })
    return { sender: sender as unknown as Sender, incarnation }
  }

  /** A worker's process, started again whenever it died or was stopped. */
  async function runWorker(index: number): Promise<void> {
    for (let life = 0; !over; life++) {
      const { sender, incarnation } = boot(`worker${index}.${life}`)
      sender.start()
      const until = plan.active && dice.chance(0.3) ? dice.between(3_000, 40_000) : Number.POSITIVE_INFINITY
      const bornAt = clock.monotonic()
      while (!over && !incarnation.dead && !incarnation.left && clock.monotonic() - bornAt < until)
        await clock.sleep(500)
      if (!incarnation.dead) await Promise.race([sender.stop(), incarnation.died])
      if (!over) await clock.sleep(dice.between(0, 2_000))
    }
  }

  /** The host's calls, each made until it is known to have worked, in processes that may die too. */
  let host = boot('host.0')
  let hostLives = 0
  async function insist<T>(call: (sender: Sender) => Promise<T>): Promise<T | null> {
    for (;;) {
      if (host.incarnation.dead) host = boot(`host.${++hostLives}`)
      const { sender, incarnation } = host
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

  // The world as it begins: endpoints of all habits, made without faults.
  plan.active = false
  const endpoints: { id: string; tenant: string }[] = []
  for (const tenant of TENANTS) {
    for (let i = 0; i < 2; i++) {
      const habit = dice.pick(HABITS)
      const secret = generateSecret(random)
      const filters = dice.chance(0.3) ? { events: ['order.*' as const] } : {}
      const made = await settle(
        host.sender.endpoints.create(tenant, {
          url: `https://receiver.example/${endpoints.length}`,
          secret,
          ...filters,
        }),
      )
      await settle(host.sender.endpoints.update(tenant, made.id, { url: `https://receiver.example/${made.id}` }))
      receiver.secrets.set(made.id, [secret])
      receiver.habits.set(made.id, habit)
      endpoints.push({ id: made.id, tenant })
    }
  }
  plan.active = true

  async function settle<T>(work: Promise<T>): Promise<T> {
    let done = false
    const watch = work.finally(() => {
      done = true
    })
    while (!done) await clock.advance(50)
    return watch
  }

  async function sendAll(): Promise<void> {
    for (let n = 0; n < MESSAGES; n++) {
      await clock.sleep(dice.between(0, 6_000))
      const type = dice.pick(events.types)
      const tenant = dice.pick(TENANTS)
      const key = `key-${n}`
      const orderingKey = dice.chance(0.5) ? dice.pick(ORDERS) : undefined
      const order = orderingKey === undefined ? {} : { orderingKey }
      const deliverAt =
        orderingKey === undefined && dice.chance(0.15)
          ? { deliverAt: new Date(clock.now().getTime() + dice.between(1_000, 9_000)) }
          : {}
      const send = async (suffix: string) => {
        const calledAt = operations.steps++
        const sent = await insist((sender) =>
          sender.send(type as never, { n } as never, { tenant, idempotencyKey: key + suffix, ...deliverAt, ...order }),
        )
        const returnedAt = operations.steps++
        if (sent) operations.sent.push({ id: sent.id, type, tenant, key: key + suffix, ...order, calledAt, returnedAt })
        return sent
      }
      // Two at once have no order between them, and both have one with what was before.
      const twice = order.orderingKey !== undefined && dice.chance(0.3)
      const [sent] = await Promise.all([send(''), ...(twice ? [send('-too')] : [])])
      if (sent && n === 0 && dice.chance(DEADLY)) receiver.deadly.add(sent.id)
    }
  }

  async function meddle(): Promise<void> {
    while (clock.monotonic() < FAULTY_FOR) {
      await clock.sleep(dice.between(500, 8_000))
      const { id, tenant } = dice.pick(endpoints)
      const act = dice.pick([
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
      ])
      note(`meddle ${act} ${id}`)
      if (act === 'rotate') {
        // The receiver gets the new secret first, as a careful owner would do it.
        const secret = generateSecret(random)
        receiver.secrets.set(id, [secret, ...(receiver.secrets.get(id) ?? [])])
        const revoke = dice.chance(0.2)
        await insist((sender) => sender.endpoints.rotateSecret(tenant, id, { secret, overlap: '10s', revoke }))
      }
      if (act === 'disable') {
        operations.disabled.add(id)
        await insist((sender) => sender.endpoints.disable(tenant, id))
      }
      if (act === 'enable') operations.enabled.add(id)
      if (act === 'enable') await insist((sender) => sender.endpoints.enable(tenant, id))
      if (act === 'create') {
        const made = await insist((sender) => sender.endpoints.create(SPARE, { url: 'https://spare.example/' }))
        if (made) operations.spare.add(made.id)
      }
      if (act === 'remove') {
        const { data } = await raw.endpoints.list(SPARE, { limit: 10 })
        const [spare] = data
        if (!spare) continue
        operations.spare.delete(spare.id)
        await insist((sender) => sender.endpoints.remove(SPARE, spare.id))
      }
      if (act === 'recover' || act === 'replay') {
        const options = { since: new Date(0), perSecond: 2 }
        if (act === 'recover') operations.recovered.add(id)
        await insist((sender) => sender[act === 'recover' ? 'recover' : 'replayMissing'](tenant, id, options))
      }
      if (act === 'resend' || act === 'cancel') {
        const { data } = await raw.history.deliveries({ tenant, endpoint: id }, { limit: 20 })
        if (data.length === 0) continue
        const chosen = dice.pick(data)
        operations[act === 'resend' ? 'resent' : 'cancelled'].add(chosen.id)
        await insist((sender) => sender.deliveries[act](tenant, chosen.id))
      }
    }
  }

  const workers = Promise.all(Array.from({ length: WORKERS }, (_, i) => runWorker(i)))
  const work = Promise.all([sendAll(), meddle()])
  let busy = true
  void work.then(() => {
    busy = false
  })
  while (clock.monotonic() < FAULTY_FOR || busy) {
    if (clock.monotonic() >= FAULTY_FOR) plan.active = false
    await clock.advance(1_000)
  }
  plan.active = false

  const until = clock.monotonic() + REST
  let depth = await raw.depth()
  const jobs = async () =>
    (await Promise.all(TENANTS.map((tenant) => raw.jobs.list(tenant, { limit: 100 })))).flatMap(({ data }) => data)
  const isWorking = async () =>
    depth.open > 0 || depth.unexpanded > 0 || (await jobs()).some(({ state }) => state === 'running')
  while (clock.monotonic() < until && (await isWorking())) {
    await clock.advance(2_000)
    depth = await raw.depth()
  }
  over = true
  let stopped = false
  void workers.then(() => {
    stopped = true
  })
  while (!stopped) await clock.advance(1_000)

  const deliveries: DeliveryView[] = []
  for (const tenant of TENANTS) deliveries.push(...(await raw.history.deliveries({ tenant }, { limit: 1_000 })).data)
  const spare = (await raw.endpoints.list(SPARE, { limit: 1_000 })).data.map(({ id }) => id)
  const verdict = await judge({
    jobs: await jobs(),
    startedAt: clock.now().getTime() - clock.monotonic(),
    spare,
    raw,
    endpoints,
    deliveries,
    depth,
    operations,
    receiver,
    retryMs: RETRY.map((delay) => toMs(delay, 'retry')),
    jitter: JITTER,
    maxAgeMs: maxAge,
    pacedMs: PACED,
    leaseMs: LEASE,
  })
  await db.close()
  for (const one of receiver.ledger) trace.push(`${one.at} ${one.endpoint} ${one.message} ${one.status}`)
  return {
    seed,
    hash: createHash('sha256').update(trace.join('\n')).digest('hex').slice(0, 16),
    violations: [...receiver.violations, ...verdict.violations],
    deliveries: deliveries.length,
    requests: receiver.ledger.length,
    duplicates: verdict.duplicates,
    crashes,
    faults: plan.table,
    rings: queue.table,
  }
}
