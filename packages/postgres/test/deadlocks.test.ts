import { setTimeout as sleep } from 'node:timers/promises'
import { type NewMessage, type Storage, silentLogger } from '@hooks/core'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { delivered, id, newEndpoint, newMessage } from './tour.ts'

const WORKERS = 8
const ROUNDS = 25
const ENDPOINTS = 5

/** The same for every worker but that each goes through the endpoints in an order of its own. */
function rotated<T>(items: readonly T[], by: number): T[] {
  return [...items.slice(by % items.length), ...items.slice(0, by % items.length)]
}

describe.skipIf(!server)('the order in which rows are locked', () => {
  it('is one for all: whatever meets whatever, nothing is ever deadlocked', { timeout: 300_000 }, async () => {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const busy = new pg.Pool({ connectionString: url, max: 20 })
    const storages = Array.from({ length: WORKERS }, () => postgresStorage(busy, { logger: silentLogger }))
    await storages[0]?.schema.migrate()
    const to = Array.from({ length: ENDPOINTS }, () => newEndpoint())
    for (const endpoint of to) await storages[0]?.endpoints.create(endpoint, 100)

    const keyed = (n: number): Partial<NewMessage> =>
      n % 3 === 0
        ? { orderingKey: `k${n % 2}`, orderingWaitMs: 10 }
        : n % 3 === 1
          ? { idempotencyKey: `i${n % 7}`, idempotencyKeepMs: 1_000 }
          : {}

    async function round(storage: Storage, worker: number, n: number): Promise<void> {
      const mine = rotated(to, worker)
      const messages = Array.from({ length: 4 }, (_, i) => newMessage(keyed(n + i)))
      // Keys that others put too, in another order.
      await storage.put(worker % 2 ? messages : messages.reverse())
      await storage.expand(
        rotated(await storage.unexpanded(10), worker).map((message) => ({
          messageId: message.id,
          deliveries: mine.map((endpoint) => ({ id: id('dlv_'), endpointId: endpoint.id })),
        })),
      )
      // Leases that are over at once, so that others take them, and settle beside.
      const leases = rotated(await storage.claim({ worker: `w${worker}`, limit: 20, leaseMs: n % 2, cap: 20 }), worker)
      const attempt = { ms: 1, status: 500, trigger: 'schedule' } as const
      await storage.release(leases.slice(0, 2))
      await storage.settle(
        leases
          .slice(2)
          .map(({ key, token }, i) =>
            i % 3 === 0
              ? { key, token, ...delivered }
              : i % 3 === 1
                ? { key, token, result: 'retry', retryInMs: 1, attempt }
                : { key, token, result: 'failed', reason: 'exhausted', attempt },
          ),
      )
      await storage.hold(mine.map((endpoint) => ({ endpointId: endpoint.id, forMs: 1, failing: n % 2 === 0 })))
      await storage.revive({ tenant: 'acme', endpoint: mine[0]?.id as string }, 20)
      await storage.retire({ tenant: 'acme' }, { state: 'cancelled', reason: 'by_hand' }, 5)
      await storage.retire({ tenant: 'acme', states: ['sending'] }, { state: 'cancelled', reason: 'by_hand' }, 5)
      const [endpoint] = mine
      const stored = endpoint && (await storage.endpoints.get('acme', endpoint.id))
      if (stored) {
        const { rev, createdAt: _created, updatedAt: _updated, ...rest } = stored
        await storage.endpoints.update({ ...rest, state: n % 4 === 0 ? 'disabled' : 'enabled' }, rev)
      }
      const passing = newEndpoint()
      await storage.endpoints.create(passing, 100)
      await storage.add([
        { messageId: messages[0]?.id as string, deliveries: [{ id: id('dlv_'), endpointId: passing.id }] },
      ])
      await storage.endpoints.remove('acme', passing.id)
      await storage.history.prune({ payloadsBefore: new Date(), historyBefore: new Date() }, 10)
      if (n % 5 === 0) await storage.history.expunge({ tenant: 'acme', message: messages[1]?.id as string }, 10)
    }

    await Promise.all(
      storages.map(async (storage, worker) => {
        for (let n = 0; n < ROUNDS; n++) await round(storage, worker, n)
      }),
    )
    await busy.end()
    const pool = new pg.Pool({ connectionString: url })
    expect(await count(pool)).toBe(0)

    // The same count sees one that is made by hand.
    const [one, two] = [await pool.connect(), await pool.connect()]
    for (const client of [one, two]) await client.query('begin')
    const [a, b] = [to[0]?.id, to[1]?.id]
    const lock = (client: pg.PoolClient, lane?: string) =>
      client.query('select 1 from hooks.lane where endpoint_id = $1 for update', [lane])
    await lock(one, a)
    await lock(two, b)
    const met = await Promise.allSettled([lock(one, b), lock(two, a)])
    expect(met.filter(({ status }) => status === 'rejected').length).toBe(1)
    for (const client of [one, two]) client.release(true)
    while ((await count(pool)) === 0) await sleep(50)
    await pool.end()
    await drop()
  })
})

/** How many there have been. What a connection has seen is written down when it is idle for a while, or ends. */
async function count(pool: pg.Pool): Promise<number> {
  const text = 'select deadlocks::int as n from pg_stat_database where datname = current_database()'
  return (await pool.query<{ n: number }>(text)).rows[0]?.n ?? Number.NaN
}
