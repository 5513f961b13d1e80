import { PGlite } from '@electric-sql/pglite'
import type { Clock, Schema } from '@hooks/core'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll } from 'vitest'
import { type PostgresHandle, postgresStorage, type Query, type QueryFunction, toQuery } from '../src/index.ts'
import { server } from './servers.ts'

/** A database for one test: empty, or as the test before has left its tables, emptied. */
export interface Place {
  readonly handle: PostgresHandle
  /** Another connection, as another process would have. */
  readonly second: PostgresHandle
  begin(): Promise<{ tx: PostgresHandle; commit(): Promise<void>; rollback(): Promise<void> }>
  close(): Promise<void>
}

/** What makes the tables. */
type Make = (handle: PostgresHandle) => { readonly schema: Schema; close(): Promise<void> }

/** Opens places on one database, which is made once and dropped at the end: a new one for each test would take minutes. */
export function openPlace(
  driver: string,
  make: Make = postgresStorage,
  /** Another way to the database, such as a pooler's. */
  through: (url: string) => string = (url) => url,
): () => Promise<Place> {
  let base!: { open(): Promise<Place>; drop(): Promise<void> }
  beforeAll(async () => {
    base = await (driver === 'PGlite' ? onPglite() : onServer(driver, through))
    const { handle, close } = await base.open()
    const storage = make(handle)
    await storage.schema.migrate()
    await storage.close()
    await close()
  }, 120_000)
  afterAll(() => base.drop(), 120_000)
  return () => base.open()
}

async function onServer(driver: string, through: (url: string) => string) {
  const { url: direct, drop } = await (server as NonNullable<typeof server>).database()
  const url = through(direct)
  return {
    drop,
    open: async (): Promise<Place> => {
      const host = openPool(url)
      await empty(toQuery(host))
      if (driver === 'pg') {
        const [one, two] = [openPool(url), openPool(url)]
        return {
          handle: one,
          second: two,
          begin: async () => {
            const client = await host.connect()
            await client.query('begin')
            const end = async (word: string) => {
              await client.query(word)
              client.release()
            }
            return { tx: client, commit: () => end('commit'), rollback: () => end('rollback') }
          },
          close: async () => {
            await Promise.all([one.end(), two.end(), host.end()])
          },
        }
      }
      const options = { onnotice: () => {} }
      const [one, two, theirs] = [postgres(url, options), postgres(url, options), postgres(url, options)]
      return {
        handle: one,
        second: two,
        begin: async () => {
          let end: (error?: Error) => void = () => {}
          const ended = new Promise<void>((resolve, reject) => {
            end = (error) => (error ? reject(error) : resolve())
          })
          let over: Promise<unknown> = Promise.resolve()
          const tx = await new Promise<postgres.TransactionSql>((begun) => {
            over = theirs.begin(async (sql) => {
              begun(sql)
              await ended
            })
          })
          return {
            tx,
            commit: async () => {
              end()
              await over
            },
            rollback: async () => {
              end(new Error('rolled back'))
              await over.catch(() => {})
            },
          }
        },
        close: async () => {
          await Promise.all([one.end(), two.end(), theirs.end(), host.end()])
        },
      }
    },
  }
}

/** A pool, to which it is no news that its database is dropped while its last connections close. */
function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => {})
  return pool
}

/** PGlite is one connection: what a transaction holds, everyone waits for, and so the second reads through the first. */
async function onPglite() {
  const db = await PGlite.create()
  return {
    drop: () => db.close(),
    open: async (): Promise<Place> => {
      await empty(toQuery(db))
      return {
        handle: db,
        second: db,
        begin: async () => {
          await db.exec('begin')
          return {
            tx: db,
            commit: async () => void (await db.exec('commit')),
            rollback: async () => void (await db.exec('rollback')),
          }
        },
        close: async () => {},
      }
    },
  }
}

/** Empties the tables that there are. */
async function empty(query: Query): Promise<void> {
  const tables = await query<{ name: string }>(
    `select format('hooks.%I', relname) as name from pg_class
    where relnamespace = to_regnamespace('hooks') and relkind in ('r', 'p') and not relispartition and relname <> 'meta'`,
  )
  // To truncate all their partitions would take longer than most tests.
  for (const { name } of tables) await query(`delete from ${name}`)
}

const CLOCKS = /(?:statement|clock)_timestamp\(\)/g

/** Queries for which the database goes by a clock of the test's: no time passes but what that one lets pass. */
export function givenTime(handle: PostgresHandle, clock: Clock): QueryFunction {
  const query = toQuery(handle)
  const given = () => `('epoch'::timestamptz + ${clock.now().getTime()} * interval '1 millisecond')`
  return (text, parameters) => query(text.replaceAll(CLOCKS, given), parameters)
}

/** Queries of which the time of the database can be moved on, for a storage and its second. */
export function movableTime(): { on(handle: PostgresHandle): QueryFunction; pass(ms: number): Promise<void> } {
  let passedMs = 0
  return {
    on: (handle) => {
      const query = toQuery(handle)
      const later = () => `(statement_timestamp() + ${passedMs} * interval '1 millisecond')`
      return (text, parameters) => query(text.replaceAll(CLOCKS, later), parameters)
    },
    pass: async (ms) => {
      passedMs += ms
    },
  }
}
