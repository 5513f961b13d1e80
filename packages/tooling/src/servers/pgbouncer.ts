import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { serverIdentity } from './local-postgres.ts'
import { freePort, missing, onPath, startServer } from './local-server.ts'

/** A PgBouncer that pools by transaction, in front of a PostgreSQL. */
export interface Pgbouncer {
  /** Such as `1.18.0`. */
  readonly version: string
  /** What leads to the same database through it. */
  through(url: string): string
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
  /** Starts it again on its port. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Fewer than the clients have: so that one's next statement is on another connection than the one before. */
const SERVER_CONNECTIONS = 4

/**
 * A PgBouncer of this machine in front of the PostgreSQL of `url`. Where there is none it says so in one line, and is
 * undefined; with `CI=true` it throws.
 */
export async function findPgbouncer(url: string): Promise<Pgbouncer | undefined> {
  const binary = onPath('pgbouncer')
  if (!binary) return missing('no PgBouncer on the PATH for tests. Install one (apt-get install pgbouncer)')
  const { hostname, port: serverPort, username, password } = new URL(url)
  const identity = serverIdentity()
  const folder = mkdtempSync(join(tmpdir(), 'hooks-pgbouncer-'))
  const { uid, gid } = identity
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  const port = await freePort()
  const settings = join(folder, 'pgbouncer.ini')
  const login = [`user=${username || 'postgres'}`, ...(password ? [`password=${decodeURIComponent(password)}`] : [])]
  writeFileSync(
    settings,
    `[databases]
* = host=${hostname} port=${serverPort || 5432} ${login.join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${SERVER_CONNECTIONS}
max_client_conn = 500
admin_users = postgres
ignore_startup_parameters = extra_float_digits
`,
  )
  const through = (direct: string): string => {
    const led = new URL(direct)
    led.hostname = '127.0.0.1'
    led.port = String(port)
    return led.href
  }
  const version = async (): Promise<string | undefined> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'pgbouncer' })
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query('show version')
      return /\d+\.\d+\.\d+/.exec(JSON.stringify(rows))?.[0]
    } catch {
      return undefined
    } finally {
      await client.end().catch(() => {})
    }
  }
  let kill = async (): Promise<void> => {}
  const start = async (): Promise<void> => {
    const server = await startServer(binary, [settings], async () => (await version()) !== undefined, {
      cwd: folder,
      log: join(folder, 'pgbouncer.log'),
      ...identity,
    })
    kill = () => server.kill()
  }
  await start()
  return {
    version: (await version()) ?? '',
    through,
    start,
    kill: () => kill(),
    async close() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
