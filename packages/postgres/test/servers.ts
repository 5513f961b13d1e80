import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import postgres from 'postgres'
import { findPostgres } from 'tooling/postgres'
import type { PostgresHandle } from '../src/index.ts'

/** The server of this run; undefined where there is none, which it has said. */
export const server = await findPostgres()

/** A pool or database of one driver, on an empty database of its own. */
export interface Opened {
  readonly handle: PostgresHandle
  /** Ends it, and drops the database. */
  close(): Promise<void>
}

/** Every driver that a storage can be given, by name. */
export const drivers: Readonly<Record<string, () => Promise<Opened>>> = {
  ...(server && {
    pg: async () => {
      const { url, drop } = await server.database()
      const pool = new pg.Pool({ connectionString: url })
      return { handle: pool, close: () => pool.end().then(drop) }
    },
    'postgres.js': async () => {
      const { url, drop } = await server.database()
      const sql = postgres(url, { onnotice: () => {} })
      return { handle: sql, close: () => sql.end().then(drop) }
    },
  }),
  PGlite: async () => {
    const db = await PGlite.create()
    return { handle: db, close: () => db.close() }
  },
}
