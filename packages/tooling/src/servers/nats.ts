import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstWords, freePort, type LocalServer, missing, onPath, startServer } from './local-server.ts'
import { runFolder } from './run-folder.ts'

/** A NATS for tests. It may be anybody's: use subjects with a prefix of your own. */
export interface NatsServer {
  /** Where it was found, for the report. */
  readonly from: string
  readonly host: string
  readonly port: number
  /** `nats://...`, with what was given to log in. */
  readonly url: string
}

/** A NATS of one test alone, which may be killed and started again on its port. */
export interface OwnNats extends NatsServer {
  kill(): Promise<void>
  start(): Promise<void>
}

/**
 * The NATS for tests: the one that `HOOKS_TEST_NATS` names, one on 127.0.0.1:4222, or a `nats-server` of this machine,
 * started on a free port. Where none can be had it says so in one line, and is undefined; with `CI=true` it throws.
 */
export async function findNats(): Promise<NatsServer | undefined> {
  const given = process.env.HOOKS_TEST_NATS
  const url = new URL(given ?? 'nats://127.0.0.1:4222')
  const { hostname: host, port } = url
  const from = given ? 'HOOKS_TEST_NATS' : '127.0.0.1:4222'
  if (await isNats(host, Number(port || 4222))) return { from, host, port: Number(port || 4222), url: url.href }
  if (!given) {
    const own = await ownNats().catch(() => undefined)
    if (own) return own
  }
  return missing(
    `no NATS for tests: nothing answers at ${from}${given ? '' : ', and no nats-server is on the PATH'}. Set HOOKS_TEST_NATS, or install one (apt-get install nats-server)`,
  )
}

/**
 * A NATS of its own, started from the PATH, with lines of `config` such as those of its users. Where it cannot be had it says so in one line, and is undefined; with
 * `CI=true` it throws.
 */
export async function findOwnNats(config?: string): Promise<OwnNats | undefined> {
  return (
    (await ownNats(config).catch(() => undefined)) ??
    missing('no nats-server on the PATH to be killed by tests. Install one (apt-get install nats-server)')
  )
}

async function ownNats(config = ''): Promise<OwnNats | undefined> {
  const binary = onPath('nats-server')
  if (!binary) return undefined
  const host = '127.0.0.1'
  const port = await freePort()
  const file = join(runFolder(), `nats-${port}.conf`)
  let server: LocalServer | undefined
  async function start(): Promise<void> {
    writeFileSync(file, config)
    server = await startServer(binary as string, ['-c', file, '-a', host, '-p', String(port)], () => isNats(host, port))
  }
  await start()
  const kill = async () => server?.kill()
  return { from: binary, host, port, url: `nats://${host}:${port}`, start, kill }
}

/** It introduces itself. */
async function isNats(host: string, port: number): Promise<boolean> {
  return (await firstWords(host, port))?.startsWith('INFO ') ?? false
}
