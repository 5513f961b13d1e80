import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger } from '@hooks/core'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { delivered, id, newEndpoint, newMessage, send } from './tour.ts'

/** What waits for a lock gives up after this, so that a test of waiting ends. */
const PATIENCE_MS = 1_000

/** A storage of its own, and a connection that can hold rows against it. */
async function openPlace() {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const pool = new pg.Pool({ connectionString: url, options: `-c lock_timeout=${PATIENCE_MS}` })
  const host = new pg.Pool({ connectionString: url, max: 2 })
  const storage = postgresStorage(pool, { logger: silentLogger })
  await storage.schema.migrate()
  onTestFinished(async () => {
    await Promise.all([pool.end(), host.end()])
    await drop()
  })
  /** Holds what `text` selects for as long as `during` takes. */
  async function holding<T>(text: string, during: () => Promise<T>): Promise<T> {
    const client = await host.connect()
    try {
      await client.query('begin')
      await client.query(`${text} for update`)
      return await during()
    } finally {
      await client.query('rollback')
      client.release()
    }
  }
  /** Whether nobody has what `text` selects. */
  const isFree = (text: string) =>
    host.query(`${text} for update nowait`).then(
      () => true,
      () => false,
    )
  /** Until somebody waits for a lock. */
  const waits = async () => {
    const text = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    while ((await host.query(text)).rows.length === 0) await sleep(5)
  }
  /** Messages that are delivered, the last of them by id first. */
  async function deliverBackwards(count: number) {
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    const keys = Array.from({ length: count }, (_, n) => `key-${n}`)
    const messages = keys.map((idempotencyKey) => newMessage({ idempotencyKey, idempotencyKeepMs: 60_000 }))
    for (const message of messages.reverse()) await storage.put([message])
    for (const { id: messageId } of messages)
      await storage.expand([{ messageId, deliveries: [{ id: id('dlv_'), endpointId: endpoint.id }] }])
    const leases = await storage.claim({ worker: 'w', limit: count, leaseMs: 60_000, cap: count })
    await storage.settle(leases.map(({ key, token }) => ({ key, token, ...delivered })))
  }
  const left = async (table: string) => (await host.query(`select count(*)::int as n from hooks.${table}`)).rows[0].n
  return { storage, holding, isFree, waits, deliverBackwards, left }
}

const first = (table: string, key = 'id') =>
  `select 1 from hooks.${table} where ${key} = (select min(${key}) from hooks.${table})`
const last = (table: string, key = 'id') =>
  `select 1 from hooks.${table} where ${key} = (select max(${key}) from hooks.${table})`

describe.skipIf(!server)('rows that two may want at once', () => {
  it.each(['payload', 'ended', 'message'])(
    'are left to who has them when old ones are forgotten: %s',
    async (table) => {
      const { storage, holding, deliverBackwards, left } = await openPlace()
      await deliverBackwards(3)
      const before = new Date(Date.now() + 60_000)
      const prune = () => storage.history.prune({ payloadsBefore: before, historyBefore: before }, 100)
      await holding(first(table), prune)
      expect(await left(table)).toBe(1)
      await prune()
      expect(await left(table)).toBe(0)
    },
  )

  it('are left to who has them when what ended of a message is expunged, and are looked at again', async () => {
    const { storage, holding, deliverBackwards, left } = await openPlace()
    await deliverBackwards(3)
    let expunged: Promise<unknown> | undefined
    await holding(first('ended'), async () => {
      expunged = storage.history.expunge({ tenant: 'acme' }, 100)
      while ((await left('message')) > 1) await sleep(5)
      expect(await left('ended')).toBe(1)
    })
    await expunged
    expect([await left('ended'), await left('message')]).toEqual([0, 0])
  })

  it('are left to who has them when an endpoint is removed that has open ones', async () => {
    const { storage, holding, left } = await openPlace()
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    for (let n = 0; n < 3; n++) await send(storage, [endpoint.id])
    await holding(first('open'), () => storage.endpoints.remove('acme', endpoint.id))
    expect(await left('open')).toBe(1)
    await storage.history.prune({}, 100)
    expect([await left('open'), await left('ended')]).toEqual([0, 3])
  })

  it.each([
    ['payload', 'id'],
    ['message', 'id'],
    ['idempotency', 'key'],
    ['lane', 'endpoint_id'],
    ['job', 'id'],
  ])('are locked in one order when a tenant is expunged: %s', async (table, key) => {
    const { storage, holding, isFree, waits, deliverBackwards, left } = await openPlace()
    const lanes = [newEndpoint(), newEndpoint()]
    for (const endpoint of lanes.reverse()) await storage.endpoints.create(endpoint, 10)
    const jobs = [id('job_'), id('job_')]
    for (const one of jobs.reverse())
      await storage.jobs.create({ id: one, tenant: 'acme', kind: 'recover', params: {} })
    await deliverBackwards(3)
    let expunged: Promise<unknown> | undefined
    await holding(first(table, key), async () => {
      expunged = storage.history.expunge({ tenant: 'acme' }, 100)
      await waits()
      expect(await isFree(last(table, key))).toBe(true)
    })
    await expunged
    expect(await left(table)).toBe(0)
  })
})
