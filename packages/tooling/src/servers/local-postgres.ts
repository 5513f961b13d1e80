import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Who runs it: PostgreSQL refuses to run as root. */
interface Identity {
  readonly uid?: number
  readonly gid?: number
}

const START_MS = 60_000

/** Makes a cluster in `folder` and starts it on a free port of 127.0.0.1. Resolves to its URL. It throws where there are no binaries. */
export async function startPostgres(folder: string): Promise<string> {
  const identity = someoneElse()
  mkdirSync(folder, { recursive: true })
  if (identity.uid !== undefined && identity.gid !== undefined) chownSync(folder, identity.uid, identity.gid)
  const bin = binaries()
  const data = join(folder, 'data')
  const options = { cwd: folder, ...identity }
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...options, stdio: 'pipe' },
  )
  const port = await freePort()
  const log = openSync(join(folder, 'server.log'), 'a')
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    { ...options, detached: true, stdio: ['ignore', log, log] },
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

function binaries(): string {
  const places = [...(process.env.PATH ?? '').split(delimiter), ...installed()]
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

function someoneElse(): Identity {
  if (process.getuid?.() !== 0) return {}
  const [name, , uid, gid] =
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(([user]) => user === 'postgres' || user === 'nobody') ?? []
  if (name === undefined) throw new Error('root cannot run PostgreSQL, and there is no user "postgres" or "nobody"')
  return { uid: Number(uid), gid: Number(gid) }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
