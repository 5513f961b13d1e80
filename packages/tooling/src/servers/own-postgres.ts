import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findBinaries, type Identity, initialise, serverIdentity } from './local-postgres.ts'
import { freePort, type LocalServer, missing, startServer } from './local-server.ts'

/** A PostgreSQL of one test alone, which may be killed, stopped and started again on its port. Its data stays. */
export interface OwnPostgres {
  readonly url: string
  readonly port: number
  /** Of its data. */
  readonly folder: string
  /** What it has said since it was made. */
  log(): string
  /** Kills its postmaster with SIGKILL, as a crash would. Its backends go when they notice. */
  kill(): Promise<void>
  /** A fast shutdown: every session is ended, what was committed is on the disk. */
  stop(): Promise<void>
  /** Starts it again, through recovery where it was killed. Settings of this start go over those of the cluster. */
  start(settings?: Settings): Promise<void>
  /** A hot standby of it, which follows it by streaming, on a port of its own. It is stopped for a moment to be copied. */
  standby(settings?: Settings): Promise<OwnPostgres>
  /** Ends it, and removes its data. */
  close(): Promise<void>
}

/** Settings of a server, by name: `{ max_connections: '10' }`. */
export type Settings = Readonly<Record<string, string>>

/** Where and how {@link findOwnPostgres} makes a cluster. */
export interface OwnPostgresOptions {
  readonly settings?: Settings
  /** An empty folder for its data that is there already, such as a small disk. Default: one of its own in the system's. */
  readonly folder?: string
  /** A folder for its write-ahead log, which is not there yet. Default: with its data. */
  readonly walFolder?: string
}

/**
 * A cluster of its own, made by binaries of this machine. Where it cannot be had it says so in one line, and is
 * undefined; with `CI=true` it throws.
 */
export async function findOwnPostgres(options: OwnPostgresOptions = {}): Promise<OwnPostgres | undefined> {
  try {
    findBinaries()
    serverIdentity()
  } catch (error) {
    return missing(
      `no PostgreSQL to be killed by tests: ${(error as Error).message}. Install one (apt-get install postgresql)`,
    )
  }
  const identity = serverIdentity()
  const folder = options.folder ?? newFolder(identity)
  initialise(join(folder, 'data'), identity, options.walFolder)
  return open(folder, identity, options.settings ?? {})
}

/** Whether the binaries of this machine come with a library that a server can load. */
export function hasLibrary(name: string): boolean {
  try {
    const beside = join(realpathSync(join(findBinaries(), 'postgres')), '../..')
    return ['lib', 'lib/postgresql', 'lib64/pgsql'].some((folder) =>
      ['so', 'dylib'].some((ending) => existsSync(join(beside, folder, `${name}.${ending}`))),
    )
  } catch {
    return false
  }
}

function newFolder({ uid, gid }: Identity): string {
  const folder = mkdtempSync(join(tmpdir(), 'hooks-postgres-'))
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  return folder
}

const START_TRIES = 50
const STOP_MS = 60_000

/** Starts what is in `folder`, and gives it back when it answers. */
async function open(folder: string, identity: Identity, always: Settings): Promise<OwnPostgres> {
  const data = join(folder, 'data')
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const followers: OwnPostgres[] = []
  let server: LocalServer | undefined

  async function start(settings: Settings = {}): Promise<void> {
    const given = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...always, ...settings }
    const options = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const args = ['-D', data, '-p', String(port), ...options]
    for (let tries = 1; ; tries++) {
      try {
        server = await startServer(join(findBinaries(), 'postgres'), args, () => answers(url), {
          cwd: folder,
          log: join(folder, 'server.log'),
          ...identity,
        })
        return
      } catch (error) {
        // Backends of one that was killed still have its memory, for as long as they have not noticed.
        if (tries >= START_TRIES || !/shared memory|lock file/.test(lastWords(folder))) {
          throw new Error(`PostgreSQL did not start: ${lastWords(folder)}`, { cause: error })
        }
        await sleep(100)
      }
    }
  }

  async function stop(): Promise<void> {
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
    process.kill(pid, 'SIGINT')
    for (let waited = 0; waited < STOP_MS && existsSync(join(data, 'postmaster.pid')); waited += 20) await sleep(20)
    await server?.kill()
  }

  await start()
  const own: OwnPostgres = {
    url,
    port,
    folder: data,
    log: () => logOf(folder),
    start,
    stop,
    kill: async () => server?.kill(),
    async standby(settings = {}) {
      const there = newFolder(identity)
      await stop()
      execFileSync('cp', ['-R', data, there], { cwd: folder, stdio: 'pipe', ...identity })
      await start()
      writeFileSync(join(there, 'data', 'standby.signal'), '')
      const follower = await open(there, identity, { ...always, primary_conninfo: url, ...settings })
      followers.push(follower)
      return follower
    },
    async close() {
      await Promise.all(followers.map((follower) => follower.close()))
      await server?.kill()
      // Its backends write into it until they notice.
      rmSync(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })
    },
  }
  return own
}

/** The end of what it has logged. */
const lastWords = (folder: string): string => logOf(folder).trim().slice(-600)

const logOf = (folder: string): string => {
  const file = join(folder, 'server.log')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
