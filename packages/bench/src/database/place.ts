import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { findPostgres } from 'tooling/postgres'
import { findRedis } from 'tooling/redis'

/** A database of its own for a run, one pool for all contenders, and what it has done. */
export interface Place {
  readonly pool: pg.Pool
  readonly url: string
  readonly version: string
  /** Statements that went through the pool so far. */
  readonly statements: () => number
  /** Pages that were hit or read so far, by statements of connections that have told. */
  pages(): Promise<number>
  close(): Promise<void>
}

/** How many connections everybody has. */
export const CONNECTIONS = 10

export async function openPlace(): Promise<Place | undefined> {
  const server = await findPostgres()
  if (!server) return undefined
  const { url, drop } = await server.database()
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS })
  pool.on('error', () => {})
  let statements = 0
  const query = pg.Client.prototype.query as (...values: unknown[]) => unknown
  pool.on('connect', (client) => {
    client.query = ((...values: unknown[]) => {
      statements++
      return query.apply(client, values)
    }) as typeof client.query
  })
  return {
    pool,
    url,
    version: server.version,
    statements: () => statements,
    async pages() {
      // A connection tells of its statements at the end of one, once a second at most: each gets one more after that.
      await sleep(1_200)
      await Promise.all(Array.from({ length: pool.totalCount }, () => pool.query('select pg_sleep(0.05)')))
      await sleep(800)
      const { rows } = await pool.query<{ pages: string }>(
        'select blks_hit + blks_read as pages from pg_stat_database where datname = current_database()',
      )
      return Number(rows[0]?.pages)
    },
    async close() {
      await pool.end()
      await drop()
    },
  }
}

/** Redis for BullMQ, under a prefix of its own. */
export async function openRedis(): Promise<{ url: string; prefix: string; close(): Promise<void> } | undefined> {
  const server = await findRedis()
  if (!server) return undefined
  const prefix = `hooks-bench-${randomUUID()}`
  return {
    url: server.url,
    prefix,
    async close() {
      const redis = new Redis(server.url)
      for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1_000 }))
        if ((keys as string[]).length > 0) await redis.del(...(keys as string[]))
      redis.disconnect()
    },
  }
}
