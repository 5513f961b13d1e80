import { isHooksError } from '@hooks/core'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import knexFactory from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresHandle, type PostgresInbox, postgresInbox, toQuery } from '../src/index.ts'
import { server } from './servers.ts'

const LEASE = { leaseMs: 60_000 }
const KEEP = { keepMs: 3_600_000 }
const OURS = { receiver: 'billing' }
const request = {
  method: 'POST',
  url: '',
  headers: [],
  body: new Uint8Array([1]),
  keyId: '0',
  ...OURS,
  receivedAt: new Date(0),
}

describe.skipIf(!server)('an inbox in transactions of the host', { timeout: 60_000 }, () => {
  let place!: Awaited<ReturnType<NonNullable<typeof server>['database']>>
  let keys = 0
  const fresh = () => `k${++keys}`
  const open = (max: number) => {
    const pool = new pg.Pool({ connectionString: place.url, max, connectionTimeoutMillis: 20_000 })
    pool.on('error', () => {})
    return pool
  }

  beforeAll(async () => {
    place = await (server as NonNullable<typeof server>).database()
    const pool = open(1)
    await postgresInbox(pool).schema.migrate()
    await pool.query('create table effect (key text not null)')
    await pool.end()
  }, 60_000)
  afterAll(() => place?.drop(), 60_000)

  /** What a receiver does in transaction mode; the handler needs a connection beside that of the transaction, if it may. */
  async function handle(pool: pg.Pool, inbox: PostgresInbox, key: string, beside: boolean): Promise<string> {
    const tx = await pool.connect()
    try {
      await tx.query('begin')
      const begun = await inbox.begin(key, { ...LEASE, tx })
      if (begun.state === 'claimed') {
        if (beside) await pool.query('select pg_sleep(0.05)')
        await tx.query('insert into effect values ($1)', [key])
        expect(await inbox.complete(begun.lease, { ...KEEP, tx })).toBe('applied')
      }
      await tx.query('commit')
      return begun.state
    } finally {
      tx.release()
    }
  }
  const effects = async (pool: pg.Pool, key: string) =>
    (await pool.query('select 1 from effect where key = $1', [key])).rows.length

  it('20 duplicates on a pool of 10: one does the work, though it needs another connection, and nobody waits for it', async () => {
    const pool = open(10)
    const inbox = postgresInbox(pool)
    const key = fresh()
    const states = await Promise.all(Array.from({ length: 20 }, () => handle(pool, inbox, key, true)))
    expect(states.filter((state) => state === 'claimed').length).toBe(1)
    expect(await effects(pool, key)).toBe(1)
    expect(await inbox.begin(key, LEASE)).toEqual({ state: 'completed' })
    await pool.end()
  })

  it('20 duplicates on a pool of one: no call in a transaction asks for a second connection', async () => {
    const pool = open(1)
    const inbox = postgresInbox(pool)
    const key = fresh()
    const states = await Promise.all(Array.from({ length: 20 }, () => handle(pool, inbox, key, false)))
    expect(states.filter((state) => state === 'claimed').length).toBe(1)
    expect(states.filter((state) => state === 'completed').length).toBe(19)
    expect(await effects(pool, key)).toBe(1)
    await pool.end()
  })

  it('200 duplicates over two pools, handlers failing in the middle: the effect is there once, or not yet', async () => {
    const pools = [open(10), open(10)]
    const inboxes = pools.map((pool) => postgresInbox(pool))
    const key = fresh()
    let failures = 0
    const attempt = async (i: number) => {
      const [pool, inbox] = [pools[i % 2] as pg.Pool, inboxes[i % 2] as PostgresInbox]
      const tx = await pool.connect()
      try {
        await tx.query('begin')
        const begun = await inbox.begin(key, { ...LEASE, tx })
        if (begun.state === 'claimed') {
          await tx.query('insert into effect values ($1)', [key])
          // Before its completion, and after it.
          if (failures++ < 2) throw new Error('failed')
          await inbox.complete(begun.lease, { ...KEEP, tx })
          if (failures++ < 5) throw new Error('failed')
        }
        await tx.query('commit')
      } catch (error) {
        await tx.query('rollback')
        if (isHooksError(error)) throw error
      } finally {
        tx.release()
      }
    }
    await Promise.all(Array.from({ length: 200 }, (_, i) => attempt(i)))
    // Whoever came too early comes again.
    for (let i = 0; i < 10; i++) await attempt(i)
    expect(failures).toBeGreaterThan(4)
    expect(await effects(pools[0] as pg.Pool, key)).toBe(1)
    for (const pool of pools) await pool.end()
  })

  it('a transaction whose connection dies frees its keys at once', async () => {
    const pool = open(4)
    const inbox = postgresInbox(pool)
    const [begun, accepted] = [fresh(), fresh()]
    const tx = await pool.connect()
    tx.on('error', () => {})
    await tx.query('begin')
    await inbox.begin(begun, { ...LEASE, tx })
    await inbox.accept({ key: accepted, request }, { ...KEEP, tx })
    expect(await inbox.begin(begun, LEASE)).toMatchObject({ state: 'in_progress' })
    const { rows } = await tx.query('select pg_backend_pid() as pid')
    await pool.query('select pg_terminate_backend($1)', [rows[0].pid])
    await expect.poll(async () => (await inbox.begin(begun, LEASE)).state).toBe('claimed')
    await expect.poll(() => inbox.accept({ key: accepted, request }, KEEP)).toBe('accepted')
    tx.release(true)
    await pool.end()
  })

  it('a late owner does not wait for the transaction that took its key over', async () => {
    const pool = open(4)
    const inbox = postgresInbox(pool)
    const key = fresh()
    const late = await inbox.begin(key, { leaseMs: 1 })
    if (late.state !== 'claimed') throw new Error('it should be free')
    const tx = await pool.connect()
    await tx.query('begin')
    await expect.poll(async () => (await inbox.begin(key, { ...LEASE, tx })).state).toBe('claimed')
    await expect(inbox.complete(late.lease, KEEP)).rejects.toMatchObject({ code: 'storage_busy' })
    await expect(inbox.extend(late.lease, 1)).rejects.toMatchObject({ code: 'storage_busy' })
    await tx.query('commit')
    expect(await inbox.complete(late.lease, KEEP)).toBe('stale')
    tx.release()
    await pool.end()
  })

  it('a repeatable read finds what its snapshot holds, and never does the work of another', async () => {
    const pool = open(4)
    const inbox = postgresInbox(pool)
    const key = fresh()
    const tx = await pool.connect()
    await tx.query('begin isolation level repeatable read')
    await tx.query('select 1 from effect')
    const done = await inbox.begin(key, LEASE)
    if (done.state === 'claimed') await inbox.complete(done.lease, KEEP)
    // The key is there, and not in this snapshot: PostgreSQL will not have the two at odds.
    await expect(inbox.begin(key, { ...LEASE, tx })).rejects.toMatchObject({ code: 'storage_busy' })
    await tx.query('rollback')
    tx.release()
    await pool.end()
  })

  it('a transaction on another database, or on one without the tables, is refused', async () => {
    const other = await (server as NonNullable<typeof server>).database()
    const [pool, elsewhere] = [open(2), new pg.Pool({ connectionString: other.url, max: 2 })]
    elsewhere.on('error', () => {})
    const inbox = postgresInbox(pool)
    await inbox.nextDueInMs(OURS)
    const tried = async () => {
      const tx = await elsewhere.connect()
      await tx.query('begin')
      const error = await Promise.resolve(inbox.begin('k', { ...LEASE, tx })).catch((reason: unknown) => reason)
      await tx.query('rollback')
      tx.release()
      return error
    }
    expect(await tried()).toMatchObject({ code: 'schema_missing' })
    await postgresInbox(elsewhere).schema.migrate()
    expect(await tried()).toMatchObject({ code: 'tx_unsupported' })
    expect((await elsewhere.query('select 1 from hooks.inbox')).rows).toEqual([])
    await pool.end()
    await elsewhere.end()
    await other.drop()
  })

  /** Claims, accepts and completes in a transaction of some library, which then commits or rolls back. */
  async function inTransaction(
    inbox: PostgresInbox,
    run: (work: (tx: PostgresHandle) => Promise<void>) => Promise<unknown>,
  ): Promise<void> {
    for (const fails of [true, false]) {
      const [begun, accepted] = [fresh(), fresh()]
      const running = run(async (tx) => {
        const state = await inbox.begin(begun, { ...LEASE, tx })
        if (state.state !== 'claimed') throw new Error('it should be free')
        await toQuery(tx)('insert into effect values ($1::text)', [begun])
        expect(await inbox.complete(state.lease, { ...KEEP, tx })).toBe('applied')
        expect(await inbox.accept({ key: accepted, request }, { ...KEEP, tx })).toBe('accepted')
        if (fails) throw new Error('rolled back')
      })
      if (fails) await expect(running).rejects.toThrow('rolled back')
      else await running
      expect(await inbox.completedWithin(begun, KEEP.keepMs)).toBe(!fails)
      expect(await inbox.accept({ key: accepted, request }, KEEP)).toBe(fails ? 'accepted' : 'duplicate')
    }
  }

  it('commits and rolls back with a transaction of postgres.js, and of Drizzle on it', async () => {
    const sql = postgres(place.url, { max: 2, onnotice: () => {} })
    await inTransaction(postgresInbox(sql), (work) => sql.begin((tx) => work(tx)))
    const db = drizzlePostgresJs(sql)
    await inTransaction(postgresInbox(db), (work) => db.transaction((tx) => work(tx)))
    await sql.end()
  })

  it('commits and rolls back with a transaction of Drizzle and of Kysely on pg', async () => {
    const pool = open(2)
    const db = drizzlePg(pool)
    await inTransaction(postgresInbox(db), (work) => db.transaction((tx) => work(tx)))
    const kysely = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
    await inTransaction(postgresInbox(kysely), (work) => kysely.transaction().execute((tx) => work(tx)))
    await kysely.destroy()
  })

  it('commits and rolls back with a transaction of Knex', async () => {
    const knex = knexFactory({ client: 'pg', connection: place.url, pool: { min: 0, max: 2 } })
    await inTransaction(postgresInbox(knex), (work) => knex.transaction((tx) => work(tx)))
    await knex.destroy()
  })

  it('commits and rolls back with a transaction of TypeORM', async () => {
    const source = await new DataSource({ type: 'postgres', url: place.url }).initialize()
    await inTransaction(postgresInbox(source), (work) => source.transaction((tx) => work(tx)))
    await source.destroy()
  })

  it("commits and rolls back with a transaction that has Prisma's words", async () => {
    const pool = open(2)
    const words = (client: pg.Pool | pg.PoolClient) => ({
      $queryRawUnsafe: async <T>(text: string, ...values: unknown[]) => (await client.query(text, values)).rows as T,
    })
    await inTransaction(postgresInbox(words(pool)), async (work) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await work(words(client))
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    })
    await pool.end()
  })

  it('has its tables in the schema that it is given, made by the host from the statements', async () => {
    const pool = open(2)
    const inbox = postgresInbox(pool, { schema: 'app_hooks' })
    await expect(inbox.nextDueInMs(OURS)).rejects.toMatchObject({
      code: 'schema_missing',
      hint: expect.stringContaining('inbox.schema.migrate()'),
    })
    for (const { sql } of inbox.schema.migrations()) for (const statement of sql) await pool.query(statement)
    expect(await inbox.schema.check()).toMatchObject({ version: 1, expected: 1 })
    expect(await inbox.accept({ key: 'k1', request }, KEEP)).toBe('accepted')
    const [lease] = await inbox.claim({ ...OURS, worker: 'w', limit: 5, leaseMs: 1_000 })
    expect(await inbox.settle([{ key: 'k1', token: lease?.token ?? '', result: 'dead', reason: 'x' }])).toEqual([
      'applied',
    ])
    expect(await inbox.retry(['k1'])).toBe(1)
    expect((await pool.query('select key from app_hooks.inbox')).rows).toEqual([{ key: 'k1' }])
    expect(() => postgresInbox(pool, { schema: 'public' })).toThrow(expect.objectContaining({ code: 'option_invalid' }))
    await pool.end()
  })
})
