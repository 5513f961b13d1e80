import { setTimeout as sleep } from 'node:timers/promises'
import { type DeliveryPolicy, defineContract, defineEvents, silentLogger } from '@hooks/core'
import { type Answer, createSender, type Transport } from '@hooks/sender'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'

type Request = Parameters<Transport['send']>[0]

/** Three workers, each with a pool of its own, on one database and one scripted network. */
async function threeWorkers(
  answer: (request: Request, n: number) => Promise<number>,
  policy: DeliveryPolicy = {},
): Promise<World> {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const requests: Request[] = []
  const transport = {
    async send(request: Request): Promise<Answer> {
      requests.push(request)
      const status = await answer(request, requests.length)
      return { status, headers: {}, body: new Uint8Array(), truncated: false, ms: 1, sent: true }
    },
  }
  const contract = defineContract({
    events: defineEvents({ tick: {} }),
    policy: { retry: ['0s', '100ms', '100ms', '100ms'], jitter: 0, ...policy },
  })
  const pools = Array.from({ length: 3 }, () => new pg.Pool({ connectionString: url, max: 4 }))
  const senders = pools.map((pool) => {
    const storage = postgresStorage(pool, { migrate: true })
    return createSender({ contract, storage, transport, logger: silentLogger, poll: '50ms' })
  })
  const [hooks] = senders as [Sender]
  const { id } = await hooks.endpoints.create('acme', { url: 'https://acme.example/' })
  for (const sender of senders) sender.start()
  const stop = async () => void (await Promise.all(senders.map((sender) => sender.stop())))
  return {
    hooks,
    id,
    requests,
    query: (text) => (pools[0] as pg.Pool).query(text).then(({ rows }) => rows),
    stop,
    async close() {
      await stop()
      await Promise.all(pools.map((pool) => pool.end()))
      await drop()
    },
  }
}

type Sender = ReturnType<typeof createSender<{ readonly tick: object }, unknown>>
interface World {
  readonly hooks: Sender
  readonly id: string
  readonly requests: Request[]
  query(text: string): Promise<{ name: string; n: number }[]>
  /** Until what is in flight has ended, and is stored. */
  stop(): Promise<void>
  close(): Promise<void>
}

/** Answers that wait until they are let go. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), opened }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(10)
}

const sendTen = (hooks: Sender) =>
  hooks.sendMany(Array.from({ length: 10 }, (_, n) => ({ type: 'tick' as const, data: { n }, tenant: 'acme' })))
const isAtRest = async ({ hooks }: World) => {
  const { open, unexpanded, inFlight } = await hooks.health()
  return open + unexpanded + inFlight === 0
}
const ids = (requests: readonly Request[]) => requests.map(({ headers }) => headers['webhook-id'])

describe.skipIf(!server)('what a host does while three workers deliver', { timeout: 120_000 }, () => {
  it('an endpoint that moves has its retries at its new address, with the same ids and bytes', async () => {
    const held = gate()
    const world = await threeWorkers(async ({ url }) => {
      await held.opened
      return url.host === 'acme.example' ? 500 : 204
    })
    const { hooks, id, requests } = world
    await sendTen(hooks)
    await until(() => requests.length === 4)
    const inFlight = [...requests]
    await hooks.endpoints.update('acme', id, { url: 'https://moved.example/' })
    held.open()
    await until(() => isAtRest(world))
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ delivered: 10 })
    for (const first of inFlight) {
      const again = requests.filter(({ headers }) => headers['webhook-id'] === first.headers['webhook-id']).slice(1)
      expect(again.map(({ url, body }) => [url.host, Buffer.compare(body, first.body)])).toEqual([['moved.example', 0]])
    }
    await world.close()
  })

  it('a secret that is rotated or revoked in between signs the next attempt, or does not, from then on', async () => {
    const answers = [gate(), gate()] as const
    const world = await threeWorkers(async (_request, n) => {
      await answers[n - 1]?.opened
      return n < 3 ? 500 : 204
    })
    const { hooks, id, requests } = world
    await hooks.send('tick', {}, { tenant: 'acme' })
    await until(() => requests.length === 1)
    await hooks.endpoints.rotateSecret('acme', id)
    answers[0].open()
    await until(() => requests.length === 2)
    await hooks.endpoints.rotateSecret('acme', id, { revoke: true })
    answers[1].open()
    await until(() => isAtRest(world))
    const signatures = requests.map(({ headers }) => headers['webhook-signature']?.split(' ').length)
    expect(signatures).toEqual([1, 2, 1])
    await world.close()
  })

  it('a tenant that is expunged leaves nothing, and what was in flight for it brings nothing back', async () => {
    const held = gate()
    const world = await threeWorkers(async () => {
      await held.opened
      return 500
    })
    const { hooks, requests, query } = world
    await sendTen(hooks)
    await until(() => requests.length === 4)
    await hooks.expunge('acme')
    held.open()
    await world.stop()
    const tables = await query(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'hooks' and tablename <> 'meta'`,
    )
    const counts = await Promise.all(tables.map(({ name }) => query(`select count(*)::int as n from ${name}`)))
    expect(counts.map(([row]) => row?.n).filter((n) => n !== 0)).toEqual([])
    expect(requests).toHaveLength(4)
    await world.close()
  })

  it('an endpoint that is disabled has what was in flight and failed recorded as skipped, and what succeeded as that', async () => {
    const held = gate()
    const world = await threeWorkers(async (_request, n) => {
      await held.opened
      return n % 2 ? 500 : 204
    })
    const { hooks, id, requests } = world
    await sendTen(hooks)
    await until(() => requests.length === 4)
    await until(async () => (await hooks.health()).unexpanded === 0)
    await hooks.endpoints.disable('acme', id)
    held.open()
    await until(() => isAtRest(world))
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ delivered: 2, skipped: 8 })
    expect(requests).toHaveLength(4)
    await hooks.endpoints.enable('acme', id)
    const job = await hooks.recover('acme', id, { since: new Date(0), perSecond: 1_000 })
    expect(job.total).toEqual({ matching: 8, expired: 0 })
    await world.close()
  })

  it('a replay ends where its endpoint is disabled in the middle of it, and another one goes on from what is left', async () => {
    let status = 500
    const world = await threeWorkers(async () => status, { retry: ['0s'], breaker: false, disable: 'never' })
    const { hooks, id, requests } = world
    await sendTen(hooks)
    await until(() => isAtRest(world))
    status = 204
    requests.length = 0
    const job = await hooks.recover('acme', id, { since: new Date(0), perSecond: 2 })
    await until(() => requests.length > 0)
    await hooks.endpoints.disable('acme', id)
    await until(async () => (await hooks.jobs.get('acme', job.id)).state === 'failed')
    expect((await hooks.jobs.get('acme', job.id)).reason).toBe('endpoint_disabled')
    await hooks.endpoints.enable('acme', id)
    const next = await hooks.recover('acme', id, { since: new Date(0), perSecond: 1_000 })
    await until(async () => (await hooks.jobs.get('acme', next.id)).state === 'done')
    await until(() => isAtRest(world))
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ delivered: 10, skipped: 0, failed: 0 })
    expect(new Set(ids(requests)).size).toBe(requests.length)
    await world.close()
  })

  it('an endpoint whose breaker is open gets one request at a time from all of them together, until one succeeds', async () => {
    let isBroken = true
    let inFlight = 0
    let most = 0
    const world = await threeWorkers(
      async () => {
        most = Math.max(most, ++inFlight)
        await sleep(20)
        inFlight--
        return isBroken ? 500 : 204
      },
      {
        retry: ['0s', ...Array.from({ length: 30 }, () => '50ms' as const)],
        breaker: { after: 5, hold: '100ms', longestHold: '150ms' },
        disable: 'never',
      },
    )
    const { hooks, id, requests } = world
    await sendTen(hooks)
    await until(async () => (await hooks.endpoints.health('acme', id)).probing)
    // What was claimed before that may be several; what is claimed when all of it has ended is one at a time.
    await until(async () => (await hooks.deliveries.stats('acme')).sending === 0)
    most = inFlight
    const before = requests.length
    await until(() => requests.length >= before + 8)
    expect(most).toBe(1)
    isBroken = false
    await until(() => isAtRest(world))
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ delivered: 10 })
    expect((await hooks.endpoints.health('acme', id)).probing).toBe(false)
    await world.close()
  })

  it('a delivery that is sent again breaks no order: what waits for one before it goes on waiting for that', async () => {
    const held = gate()
    const order: number[] = []
    const world = await threeWorkers(async ({ body }) => {
      const { n } = (JSON.parse(Buffer.from(body).toString()) as { data: { n: number } }).data
      order.push(n)
      if (n === 1) await held.opened
      return 204
    })
    const { hooks } = world
    const send = (n: number) => hooks.send('tick', { n }, { tenant: 'acme', orderingKey: 'account-1' })
    await send(0)
    await until(() => isAtRest(world))
    for (const n of [1, 2, 3]) await send(n)
    await until(() => order.includes(1))
    const [first] = (await hooks.deliveries.list('acme', { states: ['delivered'] })).data
    await hooks.deliveries.resend('acme', first?.id ?? '')
    await until(() => order.filter((n) => n === 0).length === 2)
    expect(order).toEqual([0, 1, 0])
    held.open()
    await until(() => isAtRest(world))
    expect(order).toEqual([0, 1, 0, 2, 3])
    await world.close()
  })
})
