import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findOwnPostgres } from '../servers/own-postgres.ts'
import { findPostgres, stopStarted } from '../servers/postgres.ts'

/** The database of the soak. */
export interface Place {
  /** A path, or a URL. */
  readonly location: string
  /** Ends all connections to it. False where it has none. */
  cut(): Promise<boolean>
  /** Kills its server, and starts it again a moment later. Resolves when it answers. */
  crash(): Promise<void>
  close(): Promise<void>
}

/** How long a killed server stays away, before its recovery. */
const AWAY_MS = 300

export function openFile(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'hooks-soak-'))
  return {
    location: join(folder, 'soak.sqlite'),
    cut: async () => false,
    crash: async () => {},
    close: async () => rmSync(folder, { recursive: true }),
  }
}

/** A database on the server that is there. */
export async function openDatabase(): Promise<Place | undefined> {
  const found = await findPostgres()
  if (!found) return undefined
  const { url, drop } = await found.database()
  return {
    location: url,
    cut: () => cut(url),
    crash: async () => {},
    async close() {
      await drop()
      stopStarted()
    },
  }
}

/** A server of the soak's own. */
export async function openServer(): Promise<Place | undefined> {
  const own = await findOwnPostgres()
  return (
    own && {
      location: own.url,
      cut: () => cut(own.url),
      async crash() {
        await own.kill()
        await sleep(AWAY_MS)
        await own.start()
      },
      close: own.close,
    }
  )
}

async function cut(url: string): Promise<boolean> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await client.end()
  return true
}
