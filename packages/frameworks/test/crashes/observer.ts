import { postgresInbox } from '@hooks/postgres'
import { sqliteInbox } from '@hooks/sqlite'
import Libsql from 'libsql'
import pg from 'pg'
import type { Database } from './plan.ts'

/** Looks at a database from outside of the host's process. */
export interface Observer {
  /** How often the effect is there. */
  effects(id: string): Promise<number>
  /** How many messages an inbox knows, handled or not. */
  known(): Promise<number>
  close(): Promise<void>
}

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
      close: () => pool.end(),
    }
  }
  await sqliteInbox(database.path, { driver: Libsql }).close()
  const db = new Libsql(database.path)
  db.exec('PRAGMA busy_timeout = 5000')
  db.exec('create table effect (id text not null)')
  const count = (sql: string, ...values: string[]) => (db.prepare(sql).get(...values) as { n: number }).n
  return {
    effects: async (id) => count('select count(*) as n from effect where id = ?', id),
    known: async () => count('select count(*) as n from hooks_inbox'),
    close: async () => void db.close(),
  }
}
