import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './local-server.ts'

/** Who runs it: PostgreSQL refuses to run as root. */
export interface Identity {
  readonly uid?: number
  readonly gid?: number
}

const START_MS = 60_000

/** Makes a cluster in `folder` and starts it on a free port of 127.0.0.1. Resolves to its URL. It throws where there are no binaries. */
export async function startPostgres(folder: string): Promise<string> {
  const identity = serverIdentity()
  mkdirSync(folder, { recursive: true })
  if (identity.uid !== undefined && identity.gid !== undefined) chownSync(folder, identity.uid, identity.gid)
  const data = join(folder, 'data')
  initialise(data, identity)
  const port = await freePort()
  const log = openSync(join(folder, 'server.log'), 'a')
  const server = spawn(
    join(findBinaries(), 'postgres'),
    ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    { cwd: folder, ...identity, detached: true, stdio: ['ignore', log, log] },
  )
  server.unref()
  let isOver = false
  server.once('exit', () => {
    isOver = true
  })
  writeFileSync(join(folder, 'server.pid'), String(server.pid))
  for (let waited = 0; waited < START_MS; waited += 100) {
    if (isReady(join(data, 'postmaster.pid'))) return `postgres://postgres@127.0.0.1:${port}/postgres`
    if (isOver) break
    await sleep(100)
  }
  throw new Error(`PostgreSQL did not start: ${readFileSync(join(folder, 'server.log'), 'utf8').trim().slice(-400)}`)
}

/** Makes an empty cluster in `data`, whose owner may do everything without a password. Its write-ahead log may be elsewhere. */
export function initialise(data: string, identity: Identity, wal?: string): void {
  const elsewhere = wal === undefined ? [] : ['--waldir', wal]
  execFileSync(
    join(findBinaries(), 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', ...elsewhere],
    { cwd: dirname(data), ...identity, stdio: 'pipe' },
  )
}

/** Stops the server of `folder`, if one was started there. */
export function stopPostgres(folder: string): void {
  const file = join(folder, 'server.pid')
  if (!existsSync(file)) return
  try {
    // "Immediate": it is gone when its folder is, and nobody wants its data.
    process.kill(Number(readFileSync(file, 'utf8')), 'SIGQUIT')
  } catch {
    // It has ended already.
  }
}

/** The last line of the server's file says so. */
function isReady(file: string): boolean {
  return existsSync(file) && /^ready\s*$/m.test(readFileSync(file, 'utf8'))
}

/**
 * The folder with `initdb` and `postgres`: the one that `HOOKS_TEST_POSTGRES_BIN` names, on the PATH, or where package
 * managers put them.
 */
export function findBinaries(): string {
  const given = process.env.HOOKS_TEST_POSTGRES_BIN
  const places = given ? [given] : [...(process.env.PATH ?? '').split(delimiter), ...installed()]
  const found = places.find((place) => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')))
  if (!found) throw new Error('there is no initdb on the PATH, nor where package managers put it')
  return found
}

/** Where package managers put them: the newest first. */
function installed(): string[] {
  const parents = [
    '/usr/lib/postgresql',
    '/opt/homebrew/opt',
    '/usr/local/opt',
    '/Applications/Postgres.app/Contents/Versions',
  ]
  return parents
    .filter((parent) => existsSync(parent))
    .flatMap((parent) => readdirSync(parent).map((version) => join(parent, version, 'bin')))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
}

/** This user, or for root one that exists for it. */
export function serverIdentity(): Identity {
  if (process.getuid?.() !== 0) return {}
  const [name, , uid, gid] =
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(([user]) => user === 'postgres' || user === 'nobody') ?? []
  if (name === undefined) throw new Error('root cannot run PostgreSQL, and there is no user "postgres" or "nobody"')
  return { uid: Number(uid), gid: Number(gid) }
}
