import { setTimeout as sleep } from 'node:timers/promises'
import type { LeaseRef, Storage } from '@hooks/core'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresStorage, toQuery } from '../src/index.ts'
import { probe } from './probe.ts'
import { server } from './servers.ts'
import { id, newEndpoint, newMessage } from './tour.ts'

/** A message that is open at one endpoint, another endpoint, and a transaction of its own that can be in the way. */
async function place() {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const pool = new pg.Pool({ connectionString: url })
  const storage = postgresStorage(pool)
  await storage.schema.migrate()
  const [endpoint, later] = [newEndpoint(), newEndpoint()]
  await storage.endpoints.create(endpoint, 10)
  await storage.endpoints.create(later, 10)
  const message = newMessage()
  await storage.put([message])
  await storage.expand([{ messageId: message.id, deliveries: [{ id: id('dlv_'), endpointId: endpoint.id }] }])
  const other = await pool.connect()
  return {
    pool,
    storage,
    other,
    later,
    message: message.id,
    expunge: (by: Storage = storage) => by.history.expunge({ tenant: 'acme', message: message.id }, 100),
    /** Until somebody waits for what another has locked. */
    async blocked() {
      const waits = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      while ((await pool.query(waits)).rowCount === 0) await sleep(5)
    },
    async close() {
      other.release()
      await pool.end()
      await drop()
    },
  }
}

describe.skipIf(!server)('what is expunged', { timeout: 60_000 }, () => {
  const attempt = { ms: 1, status: 500, trigger: 'schedule' } as const
  it.each([
    [
      'ended',
      60_000,
      async (by: Storage, { key, token }: LeaseRef) =>
        expect(await by.settle([{ key, token, result: 'retry', retryInMs: 0, attempt }])).toEqual(['applied']),
    ],
    [
      'was found lost',
      0,
      async (by: Storage) => expect(await by.claim({ worker: 'v', limit: 1, leaseMs: 60_000, cap: 1 })).toHaveLength(1),
    ],
  ] as const)('goes with the attempt that %s while it was waited for', async (_how, leaseMs, act) => {
    const { pool, storage, other, expunge, blocked, close } = await place()
    const [lease] = await storage.claim({ worker: 'w', limit: 1, leaseMs, cap: 1 })
    await other.query('begin')
    await act(postgresStorage(other) as Storage, lease as LeaseRef)
    const expunged = expunge()
    await Promise.race([blocked(), expunged])
    await other.query('commit')
    expect(await expunged).toEqual({ removed: 2, more: false })
    expect(await probe(toQuery(pool))).toEqual([])
    expect((await pool.query('select 1 from hooks.attempt')).rowCount).toBe(0)
    await close()
  })

  it('is not delivered again, though that was asked for before and came to it afterwards', async () => {
    const { pool, storage, other, later, message, expunge, blocked, close } = await place()
    await other.query('begin')
    await other.query('select 1 from hooks.lane where endpoint_id = $1 for update', [later.id])
    const added = storage.add([{ messageId: message, deliveries: [{ id: id('dlv_'), endpointId: later.id }] }])
    await blocked()
    expect(await expunge(postgresStorage(pool))).toEqual({ removed: 2, more: false })
    await other.query('commit')
    expect(await added).toBe(0)
    expect(await probe(toQuery(pool))).toEqual([])
    await close()
  })

  it('is waited for where it is being delivered again, and goes with that', async () => {
    const { pool, other, later, message, expunge, blocked, close } = await place()
    await other.query('begin')
    const deliveries = [{ id: id('dlv_'), endpointId: later.id }]
    expect(await postgresStorage(other).add([{ messageId: message, deliveries }])).toBe(1)
    const expunged = expunge()
    await Promise.race([blocked(), expunged])
    await other.query('commit')
    expect(await expunged).toEqual({ removed: 3, more: false })
    expect(await probe(toQuery(pool))).toEqual([])
    await close()
  })
})
