import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres, stopPostgres } from './local-postgres.ts'
import { alone, runFolder } from './run-folder.ts'

/** A PostgreSQL that tests may make databases in. */
export interface PostgresServer {
  /** Where it was found, for the report. */
  readonly from: string
  readonly version: string
  /** Of a database that is there already. */
  readonly url: string
  /** An empty database of its own, and how to be rid of it. */
  database(): Promise<TestDatabase>
}

/** An empty database. */
export interface TestDatabase {
  readonly url: string
  /** Ends its connections and drops it. */
  drop(): Promise<void>
}

const USUAL = 'postgres://postgres@127.0.0.1:5432/postgres'

/**
 * The PostgreSQL for tests: the one that `HOOKS_TEST_POSTGRES` names (the URL of a role that may create databases), one
 * on 127.0.0.1:5432, or one that is started from binaries on this machine: in the folder that `HOOKS_TEST_POSTGRES_BIN`
 * names, on the PATH, or where Debian, Homebrew and Postgres.app put them. It is started once for a run, and stopped at
 * its end.
 *
 * Where none can be had it says so in one line, and is undefined; with `CI=true` it throws.
 */
export async function findPostgres(): Promise<PostgresServer | undefined> {
  const given = process.env.HOOKS_TEST_POSTGRES
  // Binaries that are named are to be run, whatever else there is.
  const elsewhere = given || process.env.HOOKS_TEST_POSTGRES_BIN
  const reasons: string[] = []
  for (const [from, find] of [
    ['HOOKS_TEST_POSTGRES', async () => given],
    ['127.0.0.1:5432', async () => (elsewhere ? undefined : USUAL)],
    ['binaries of this machine', async () => (given ? undefined : started())],
  ] as const) {
    try {
      const url = await find()
      if (url) return await server(from, url)
    } catch (error) {
      reasons.push(`${from}: ${reasonOf(error)}`)
    }
  }
  const line = `no PostgreSQL for tests: ${reasons.join('; ')}. Set HOOKS_TEST_POSTGRES, or install one (apt-get install postgresql)`
  if (process.env.CI === 'true') throw new Error(line)
  process.stderr.write(`${line}\n`)
  return undefined
}

/** A refused connection has its reason in the errors that it gathers. */
const reasonOf = (error: unknown): string => {
  const { message, code } = error as { message?: string; code?: string }
  return message || code || String(error)
}

/** The URL of the server of this run, started by whoever comes first. */
function started(): Promise<string> {
  const file = join(runFolder(), 'postgres.url')
  return alone('postgres', async () => {
    if (existsSync(file)) return readFileSync(file, 'utf8')
    const url = await startPostgres(join(runFolder(), 'postgres'))
    writeFileSync(file, url)
    return url
  })
}

/** Stops what this run has started. */
export function stopStarted(): void {
  stopPostgres(join(runFolder(), 'postgres'))
}

async function server(from: string, url: string): Promise<PostgresServer> {
  const version = await once(url, async (client) => {
    const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version")
    return rows[0]?.version ?? ''
  })
  return { from, version, url, database: () => database(url) }
}

async function database(url: string): Promise<TestDatabase> {
  const name = `hooks_${process.pid}_${randomBytes(6).toString('hex')}`
  await once(url, (client) => client.query(`create database ${name} template template0 encoding 'UTF8'`))
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    drop: () => once(url, (client) => drop(client, name)),
  }
}

/** Waits for connections that are about to close: a pool that has ended is told by its server that it was terminated. */
async function drop(client: pg.Client, name: string): Promise<void> {
  for (let tries = 0; tries < 40; tries++) {
    const { rows } = await client.query('select 1 from pg_stat_activity where datname = $1', [name])
    if (rows.length === 0) break
    await sleep(50)
  }
  await client.query(`drop database if exists ${name} with (force)`)
}

async function once<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
