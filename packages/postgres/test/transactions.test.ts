import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import knexFactory from 'knex'
import { Kysely, sql as kyselySql, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { describe, expect, it, vi } from 'vitest'
import { type PostgresHandle, postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { newEndpoint, newMessage, send } from './tour.ts'

/** A host with one connection, which its transactions and the storage share. */
interface Host {
  readonly db: PostgresHandle
  /** A transaction as the library's manual has it. `book` is the host's own write in it. */
  transaction(work: (tx: PostgresHandle, book: () => Promise<unknown>) => Promise<void>): Promise<unknown>
  /** The statements that have gone over the wire. */
  readonly statements: string[]
  close(): Promise<unknown>
}

const BOOK = `insert into booking values ('b1')`

const query = pg.Client.prototype.query

/** Every statement of `pg`, by whichever library on top of it. */
function spied(): string[] {
  const statements: string[] = []
  vi.restoreAllMocks()
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [first] = args as [string | { text: string }]
    statements.push(typeof first === 'string' ? first : first.text)
    return (query as (...all: unknown[]) => unknown).apply(this, args)
  } as never)
  return statements
}

const hosts: Readonly<Record<string, (url: string) => Host | Promise<Host>>> = {
  pg(url) {
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    return {
      db: pool,
      statements: spied(),
      async transaction(work) {
        const client = await pool.connect()
        try {
          await client.query('begin')
          await work(client, () => client.query(BOOK))
          await client.query('commit')
        } catch (error) {
          await client.query('rollback')
          throw error
        } finally {
          client.release()
        }
      },
      close: () => pool.end(),
    }
  },
  'postgres.js'(url) {
    const statements: string[] = []
    const sql = postgres(url, { max: 1, debug: (_, text) => statements.push(text), fetch_types: false })
    return {
      db: sql,
      statements,
      transaction: (work) => sql.begin((tx) => work(tx, () => tx.unsafe(BOOK))),
      close: () => sql.end(),
    }
  },
  'Drizzle on pg'(url) {
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    const db = drizzlePg(pool)
    return {
      db,
      statements: spied(),
      transaction: (work) => db.transaction((tx) => work(tx, () => tx.execute(drizzleSql.raw(BOOK)))),
      close: () => pool.end(),
    }
  },
  'Drizzle on postgres.js'(url) {
    const statements: string[] = []
    const sql = postgres(url, { max: 1, debug: (_, text) => statements.push(text), fetch_types: false })
    const db = drizzlePostgresJs(sql)
    return {
      db,
      statements,
      transaction: (work) => db.transaction((tx) => work(tx, () => tx.execute(drizzleSql.raw(BOOK)))),
      close: () => sql.end(),
    }
  },
  Kysely(url) {
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1 }) }),
    })
    return {
      db,
      statements: spied(),
      transaction: (work) => db.transaction().execute((tx) => work(tx, () => kyselySql.raw(BOOK).execute(tx))),
      close: () => db.destroy(),
    }
  },
  Knex(url) {
    const db = knexFactory({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
    return {
      db,
      statements: spied(),
      transaction: (work) => db.transaction((tx) => work(tx, async () => tx.raw(BOOK))),
      close: () => db.destroy(),
    }
  },
  async TypeORM(url) {
    const source = await new DataSource({ type: 'postgres', url, extra: { max: 1 } }).initialize()
    return {
      db: source,
      statements: spied(),
      transaction: (work) => source.transaction((manager) => work(manager, () => manager.query(BOOK))),
      close: () => source.destroy(),
    }
  },
}

describe.skipIf(!server).each(Object.entries(hosts))("the host's transaction, by %s", (_name, open) => {
  async function place() {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const watcher = new pg.Pool({ connectionString: url })
    await watcher.query('create table booking (id text primary key)')
    const outside = postgresStorage(watcher)
    await outside.schema.migrate()
    const host = await open(url)
    const storage = postgresStorage(host.db)
    return {
      outside,
      host,
      storage,
      ids: async () => (await outside.unexpanded(100)).map(({ id }) => id),
      bookings: async () => (await watcher.query('select id from booking')).rows.length,
      async close() {
        await host.close()
        await watcher.end()
        await drop()
      },
    }
  }

  it('makes both true when it commits, by one statement, and holds no second connection', {
    timeout: 60_000,
  }, async () => {
    const { host, storage, ids, bookings, close } = await place()
    const message = newMessage({ idempotencyKey: 'k', idempotencyKeepMs: 60_000 })
    // The first use of the storage: there is nobody to look at the tables but this connection.
    await host.transaction(async (tx, book) => {
      await book()
      host.statements.length = 0
      expect(await storage.put([message], tx)).toEqual([{ id: message.id, outcome: 'created' }])
      expect(host.statements.length).toBe(1)
      expect(host.statements.join()).not.toMatch(/notify|begin|commit|savepoint/i)
      expect([await ids(), await bookings()]).toEqual([[], 0])
    })
    expect([await ids(), await bookings()]).toEqual([[message.id], 1])
    // What it does by itself shares the one connection, when that is free.
    expect(await storage.depth()).toMatchObject({ unexpanded: 1 })
    await close()
  })

  it('leaves nothing when it rolls back', { timeout: 60_000 }, async () => {
    const { host, storage, outside, ids, bookings, close } = await place()
    const endpoint = newEndpoint()
    const fails = host.transaction(async (tx, book) => {
      await book()
      await storage.put([newMessage(), newMessage({ idempotencyKey: 'k' })], tx)
      expect(await storage.endpoints.create(endpoint, 10, tx)).toBe('applied')
      expect(await storage.endpoints.get('acme', endpoint.id, tx)).toMatchObject({ id: endpoint.id })
      throw new Error('the host has changed its mind')
    })
    await expect(fails).rejects.toThrow('the host has changed its mind')
    expect([await ids(), await bookings()]).toEqual([[], 0])
    expect(await outside.endpoints.get('acme', endpoint.id)).toBe(null)
    expect(await storage.endpoints.create(endpoint, 1)).toBe('applied')
    await send(storage, [endpoint.id])
    await close()
  })

  it('is none where the whole database is given in its place: what that wrote would outlive a rollback', {
    timeout: 60_000,
  }, async () => {
    const { host, storage, ids, close } = await place()
    const { manager = host.db } = host.db as { readonly manager?: PostgresHandle }
    for (const database of [host.db, manager]) {
      const refused = { code: 'tx_unsupported', message: expect.stringContaining('no transaction') }
      await expect(storage.put([newMessage()], database)).rejects.toMatchObject(refused)
    }
    expect(await ids()).toEqual([])
    await close()
  })

  it('is refused with its code where it has failed before, and where it is of another database', {
    timeout: 60_000,
  }, async () => {
    const { host, storage, ids, close } = await place()
    const elsewhere = await place()
    await storage.depth()
    const fails = host.transaction(async (tx) => {
      await expect(storage.put([newMessage({ data: 'x', type: null as never })], tx)).rejects.toThrow()
      await expect(storage.put([newMessage()], tx)).rejects.toMatchObject({ code: 'transaction_aborted' })
      throw new Error('aborted')
    })
    await expect(fails).rejects.toThrow('aborted')
    await elsewhere.host.transaction(async (tx) => {
      await expect(storage.put([newMessage()], tx)).rejects.toMatchObject({ code: 'tx_unsupported' })
      await expect(storage.endpoints.create(newEndpoint(), 10, tx)).rejects.toMatchObject({ code: 'tx_unsupported' })
    })
    expect([await ids(), await elsewhere.ids()]).toEqual([[], []])
    await close()
    await elsewhere.close()
  })
})

describe.skipIf(!server)('a process that only sends, and that in transactions,', () => {
  it('refuses one of another database from its look at the tables on', async () => {
    const open = async () => {
      const { url, drop } = await (server as NonNullable<typeof server>).database()
      const pool = new pg.Pool({ connectionString: url })
      await postgresStorage(pool).schema.migrate()
      return { pool, close: () => pool.end().then(drop) }
    }
    const [here, elsewhere] = await Promise.all([open(), open()])
    const storage = postgresStorage(here.pool)
    await storage.schema.check()
    const client = await elsewhere.pool.connect()
    await client.query('begin')
    await expect(storage.put([newMessage()], client)).rejects.toMatchObject({ code: 'tx_unsupported' })
    await client.query('commit')
    client.release()
    expect(await postgresStorage(elsewhere.pool).unexpanded(10)).toEqual([])
    await here.close()
    await elsewhere.close()
  })
})

describe.skipIf(!server)("a savepoint of the host's", () => {
  it('takes back what was sent after it, and the transaction that has failed there goes on', async () => {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const pool = new pg.Pool({ connectionString: url })
    const storage = postgresStorage(pool)
    await storage.schema.migrate()
    const [before, after, last] = [
      newMessage(),
      newMessage({ idempotencyKey: 'k', idempotencyKeepMs: 60_000 }),
      newMessage(),
    ]
    const client = await pool.connect()
    await client.query('begin')
    await storage.put([before], client)
    await client.query('savepoint here')
    await storage.put([after], client)
    await expect(storage.put([newMessage({ type: null as never })], client)).rejects.toThrow()
    await expect(storage.put([last], client)).rejects.toMatchObject({ code: 'transaction_aborted' })
    await client.query('rollback to here')
    expect(await storage.put([last], client)).toEqual([{ id: last.id, outcome: 'created' }])
    await client.query('commit')
    client.release()
    expect((await storage.unexpanded(10)).map(({ id }) => id).sort()).toEqual([before.id, last.id].sort())
    // Its key went with it.
    expect(await storage.put([{ ...after, id: newMessage().id }])).toMatchObject([{ outcome: 'created' }])
    await pool.end()
    await drop()
  })
})
