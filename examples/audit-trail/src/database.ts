import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'

/** What runs statements: a pool, or a transaction. */
export interface Queries {
  // biome-ignore lint/suspicious/noExplicitAny: rows, as the statement selects them
  query(text: string, values?: any[]): Promise<{ readonly rows: readonly any[] }>
}

/** A PostgreSQL. */
export interface Database {
  readonly pool: Queries
  /** Commits when `work` resolves, and rolls back when it rejects. */
  transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** The PostgreSQL at `url`; without one, PGlite in memory: a PostgreSQL within this process, for trying out. */
export function openDatabase(url: string | undefined): Database {
  if (!url) {
    const database = new PGlite()
    return { pool: database, transaction: (work) => database.transaction(work), close: () => database.close() }
  }
  const pool = new pg.Pool({ connectionString: url })
  // An idle connection that breaks is replaced by the next one that is needed.
  pool.on('error', () => {})
  return {
    pool,
    close: () => pool.end(),
    async transaction(work) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const done = await work(client)
        await client.query('commit')
        client.release()
        return done
      } catch (error) {
        await client.query('rollback').then(
          () => client.release(),
          (broken) => client.release(broken),
        )
        throw error
      }
    },
  }
}
