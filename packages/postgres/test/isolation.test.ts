import { type Storage, silentLogger } from '@hooks/core'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresStorage, toQuery } from '../src/index.ts'
import { probe } from './probe.ts'
import { server } from './servers.ts'
import { delivered, id, newEndpoint, newMessage } from './tour.ts'

const WORKERS = 4
const ROUNDS = 25

/** What workers do all the time, on the same few endpoints. `call` runs each. */
async function round(
  storage: Storage,
  to: readonly string[],
  n: number,
  call: <T>(name: string, work: () => Promise<T> | T) => Promise<T | undefined>,
): Promise<void> {
  await call('put', () => storage.put(Array.from({ length: 4 }, () => newMessage())))
  const marked = (await call('unexpanded', () => storage.unexpanded(10))) ?? []
  await call('expand', () =>
    storage.expand(
      marked.map((message) => ({
        messageId: message.id,
        deliveries: to.map((endpointId) => ({ id: id('dlv_'), endpointId })),
      })),
    ),
  )
  const leases = (await call('claim', () => storage.claim({ worker: 'w', limit: 8, leaseMs: 60_000, cap: 100 }))) ?? []
  const attempt = { ms: 1, status: 500, trigger: 'schedule' } as const
  await call('release', () => storage.release(leases.slice(0, 1)))
  await call('settle', () =>
    storage.settle(
      leases
        .slice(1)
        .map(({ key, token }, i) =>
          i % 2 === 0 ? { key, token, ...delivered } : { key, token, result: 'retry', retryInMs: 0, attempt },
        ),
    ),
  )
  await call('hold', () => storage.hold(to.map((endpointId) => ({ endpointId, forMs: 0, failing: n % 2 === 0 }))))
  await call('retire', () => storage.retire({ tenant: 'acme' }, { state: 'cancelled', reason: 'by_hand' }, 5))
  const passing = newEndpoint()
  await call('create', () => storage.endpoints.create(passing, 1_000))
  await call('remove', () => storage.endpoints.remove('acme', passing.id))
  const job = { id: id('job_'), tenant: 'acme', kind: 'recover', params: {} }
  await call('jobs.create', () => storage.jobs.create(job))
  const steps = (await call('jobs.claim', () => storage.jobs.claim({ worker: 'w', limit: 2, leaseMs: 60_000 }))) ?? []
  await call('jobs.settle', () =>
    storage.jobs.settle(steps.map(({ key, token }) => ({ key, token, result: 'done', progress: {} }))),
  )
  await call('prune', () => storage.history.prune({ historyBefore: new Date() }, 10))
}

describe.skipIf(!server)('a database whose transactions are by default', () => {
  it.each(['repeatable read', 'serializable'])(
    '%s loses no call of workers that are at the same endpoints',
    {
      timeout: 300_000,
    },
    async (level) => {
      const { url, drop } = await (server as NonNullable<typeof server>).database()
      const pools = Array.from(
        { length: WORKERS },
        () =>
          new pg.Pool({
            connectionString: url,
            options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`,
          }),
      )
      const storages = pools.map((pool) => postgresStorage(pool, { logger: silentLogger }))
      await storages[0]?.schema.migrate()
      const to = [newEndpoint(), newEndpoint(), newEndpoint()]
      for (const endpoint of to) await storages[0]?.endpoints.create(endpoint, 100)
      const ids = to.map((endpoint) => endpoint.id)
      const refused: Record<string, number> = {}
      let calls = 0
      async function call<T>(name: string, work: () => Promise<T> | T): Promise<T | undefined> {
        calls++
        try {
          return await work()
        } catch (error) {
          const what = `${name}: ${(error as { code?: string }).code}`
          refused[what] = (refused[what] ?? 0) + 1
          return undefined
        }
      }
      await Promise.all(
        storages.map(async (storage) => {
          for (let n = 0; n < ROUNDS; n++) await round(storage, ids, n, call)
        }),
      )
      expect({ calls, refused }).toEqual({ calls: WORKERS * ROUNDS * 14, refused: {} })
      expect(await probe(toQuery(pools[0] as pg.Pool))).toEqual([])
      for (const pool of pools) await pool.end()
      await drop()
    },
  )
})
