import { postgresInbox } from '@hooks/postgres'
import { sqliteInbox } from '@hooks/sqlite'
import { Redis } from 'ioredis'
import Libsql from 'libsql'
import pg from 'pg'
import type { Database } from './plan.ts'

/** Looks at a database from outside of the host's process. */
export interface Observer {
  /** How often the effect is there. */
  effects(id: string): Promise<number>
  /** How many messages an inbox knows, handled or not. */
  known(): Promise<number>
  /** What a host that is dead has claimed is free, as it would be by itself when its lease is over. */
  endLeases(): Promise<void>
  close(): Promise<void>
}

/** Of an inbox: what is claimed, in the foreground or by a worker. */
const LEASED = `state = 'begun' or (state = 'accepted' and token is not null)`

/** Makes the tables, and looks at them. */
export async function observe(database: Database): Promise<Observer> {
  if (database.kind === 'postgres') {
    const pool = new pg.Pool({ connectionString: database.url, max: 2 })
    pool.on('error', () => {})
    await postgresInbox(pool).schema.migrate()
    await pool.query('create table effect (id text not null)')
    const count = async (sql: string, values: string[]) => Number((await pool.query(sql, values)).rows[0].n)
    return {
      effects: (id) => count('select count(*) as n from effect where id = $1', [id]),
      known: () => count('select count(*) as n from hooks.inbox', []),
      endLeases: async () => void (await pool.query(`update hooks.inbox set until_at = now() where ${LEASED}`)),
      close: () => pool.end(),
    }
  }
  await sqliteInbox(database.path, { driver: Libsql }).close()
  const db = new Libsql(database.path)
  db.exec('PRAGMA busy_timeout = 5000')
  db.exec('create table effect (id text not null)')
  const count = (sql: string, ...values: string[]) => (db.prepare(sql).get(...values) as { n: number }).n
  const redis = database.kind === 'redis' ? new Redis(database.url) : undefined
  return {
    effects: async (id) => count('select count(*) as n from effect where id = ?', id),
    known: async () => count('select count(*) as n from hooks_inbox'),
    async endLeases() {
      db.prepare(`update hooks_inbox set until_at = 0 where ${LEASED}`).run()
      if (database.kind !== 'redis' || !redis) return
      // `u` is when a lease or the retention ends, `d` when the work was done.
      for (const key of await redis.keys(`${database.prefix}*`))
        if (!(await redis.hexists(key, 'd'))) await redis.hset(key, 'u', 0)
    },
    async close() {
      db.close()
      redis?.disconnect()
    },
  }
}
