import pg from 'pg'
import { missing } from './local-server.ts'
import { findOwnPostgres, hasLibrary } from './own-postgres.ts'

/** What statements have cost. These figures are the same on a machine that others use too. */
export interface Cost {
  readonly calls: number
  /** Pages that were looked at, in memory or not. */
  readonly pages: number
  /** Bytes of the write-ahead log. */
  readonly walBytes: number
  /** Of the server's time. */
  readonly ms: number
}

/** A PostgreSQL of one run alone, which counts what each statement costs. */
export interface Counted {
  readonly pool: pg.Pool
  readonly url: string
  readonly version: string
  /** What `work` cost: all of it, or those of its statements whose text has `only` in it. */
  costOf(work: () => Promise<unknown>, only?: string): Promise<Cost>
  close(): Promise<void>
}

const SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  shared_buffers: '1GB',
  max_wal_size: '50GB',
  checkpoint_timeout: '1d',
  // Nothing is counted that comes at a time of its own. What is counted does not depend on the disk either.
  autovacuum: 'off',
  fsync: 'off',
}

const COST = `
  select coalesce(sum(calls), 0)::float8 as calls, coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8 as pages,
    coalesce(sum(wal_bytes), 0)::float8 as "walBytes", coalesce(sum(total_exec_time), 0)::float8 as ms
  from pg_stat_statements
  where dbid = (select oid from pg_database where datname = current_database())
    and query not like '%pg_stat_statements%' and query like '%' || $1 || '%'`

/** Starts it, with the binaries of this machine. Where they cannot count it says so in one line, and is undefined. */
export async function openCounted(connections: number): Promise<Counted | undefined> {
  if (!hasLibrary('pg_stat_statements'))
    return missing('no PostgreSQL with pg_stat_statements. Install one (apt-get install postgresql)')
  const server = await findOwnPostgres({ settings: SETTINGS })
  if (!server) return undefined
  const pool = new pg.Pool({ connectionString: server.url, max: connections })
  pool.on('error', () => {})
  await pool.query('create extension pg_stat_statements')
  const { rows } = await pool.query<{ version: string }>("select current_setting('server_version') as version")
  return {
    pool,
    url: server.url,
    version: rows[0]?.version ?? '',
    async costOf(work, only = '') {
      await pool.query('select pg_stat_statements_reset()')
      await work()
      const [cost] = (await pool.query<Cost>(COST, [only])).rows
      return cost as Cost
    },
    async close() {
      await pool.end()
      await server.close()
    },
  }
}
