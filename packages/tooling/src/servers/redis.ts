import { firstWords, freePort, type LocalServer, missing, onPath, startServer } from './local-server.ts'

/** A Redis for tests. It may be anybody's: use keys with a prefix of your own, and flush nothing. */
export interface RedisServer {
  /** Where it was found, for the report. */
  readonly from: string
  readonly host: string
  readonly port: number
  /** `redis://...`, with the password that was given. */
  readonly url: string
}

/** A Redis of one test alone, which may be flushed, killed and started again on its port. It keeps nothing on a disk. */
export interface OwnRedis extends RedisServer {
  kill(): Promise<void>
  start(): Promise<void>
}

/**
 * The Redis for tests: the one that `HOOKS_TEST_REDIS` names, one on 127.0.0.1:6379, or a `redis-server` (or
 * `valkey-server`) of this machine, started on a free port. Where none can be had it says so in one line, and is
 * undefined; with `CI=true` it throws.
 */
export async function findRedis(): Promise<RedisServer | undefined> {
  const given = process.env.HOOKS_TEST_REDIS
  const url = new URL(given ?? 'redis://127.0.0.1:6379')
  const { hostname: host, port } = url
  const from = given ? 'HOOKS_TEST_REDIS' : '127.0.0.1:6379'
  if (await isRedis(host, Number(port || 6379))) return { from, host, port: Number(port || 6379), url: url.href }
  if (!given) {
    const own = await ownRedis().catch(() => undefined)
    if (own) return own
  }
  return missing(
    `no Redis for tests: nothing answers at ${from}${given ? '' : ', and no redis-server is on the PATH'}. Set HOOKS_TEST_REDIS, or install one (apt-get install redis-server)`,
  )
}

/**
 * A Redis of its own, started from the PATH. Where it cannot be had it says so in one line, and is undefined; with
 * `CI=true` it throws.
 */
export async function findOwnRedis(): Promise<OwnRedis | undefined> {
  return (
    (await ownRedis().catch(() => undefined)) ??
    missing('no redis-server on the PATH to be killed and flushed by tests. Install one (apt-get install redis-server)')
  )
}

async function ownRedis(): Promise<OwnRedis | undefined> {
  const binary = onPath('redis-server') ?? onPath('valkey-server')
  if (!binary) return undefined
  const host = '127.0.0.1'
  const port = await freePort()
  let server: LocalServer | undefined
  async function start(): Promise<void> {
    const args = ['--port', String(port), '--bind', host, '--save', '', '--appendonly', 'no', '--dir', '/tmp']
    server = await startServer(binary as string, args, () => isRedis(host, port))
  }
  await start()
  const kill = async () => server?.kill()
  return { from: binary, host, port, url: `redis://${host}:${port}`, start, kill }
}

/** One that wants a password is one too. */
async function isRedis(host: string, port: number): Promise<boolean> {
  const words = await firstWords(host, port, 'PING\r\n')
  return words !== undefined && /^(\+PONG|-NOAUTH)/.test(words)
}
