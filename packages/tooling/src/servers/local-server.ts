import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server that this process has started. It ends with this process, whatever ends that. */
export interface LocalServer {
  /** Ends it with SIGKILL, as a crash would. Resolves when it is gone. Idempotent. */
  kill(): Promise<void>
}

/** Who runs a server, where, and where it writes what it says. */
export interface ServerOptions {
  readonly uid?: number
  readonly gid?: number
  readonly cwd?: string
  /** A file. Default: nowhere. */
  readonly log?: string
}

/** Runs argv as a child, and kills it when the pipe to its parent breaks: a parent that was killed has no exit handler. */
const WATCHDOG = `
const [options, command, ...args] = process.argv.slice(1)
const { log, ...rest } = JSON.parse(options)
const out = log ? require('node:fs').openSync(log, 'a') : 'ignore'
const child = require('node:child_process').spawn(command, args, { ...rest, stdio: ['ignore', out, out] })
child.on('exit', () => process.exit())
child.on('error', () => process.exit(1))
process.stdin.on('end', () => child.kill('SIGKILL')).resume()
`
const START_MS = 60_000

/** Starts `command`, and resolves when `isReady`. It throws where the command ended before, or is not ready within a minute. */
export async function startServer(
  command: string,
  args: readonly string[],
  isReady: () => Promise<boolean>,
  options: ServerOptions = {},
): Promise<LocalServer> {
  const watchdog = spawn(process.execPath, ['-e', WATCHDOG, JSON.stringify(options), command, ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  let isOver = false
  const over = new Promise<void>((resolve) => {
    watchdog.once('exit', () => {
      isOver = true
      resolve()
    })
  })
  // Nobody who is done waits for a server.
  watchdog.unref()
  ;(watchdog.stdin as unknown as { unref(): void }).unref()
  const kill = () => {
    watchdog.ref()
    watchdog.stdin?.end()
    return over
  }
  for (let waited = 0; waited < START_MS && !isOver; waited += 50) {
    if (await isReady()) return { kill }
    await sleep(50)
  }
  const how = isOver ? 'ended at once' : 'was not ready in time'
  await kill()
  throw new Error(`${command} ${how}`)
}

/** A program on the PATH. */
export function onPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}

/** A port of 127.0.0.1 that nobody has at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** What a server says on a connection, after `question` where there is one: its first words, or undefined where nobody is there. */
export function firstWords(host: string, port: number, question?: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (words?: string) => {
      socket.destroy()
      resolve(words)
    }
    socket.setTimeout(2_000, () => end())
    socket.once('error', () => end())
    socket.once('close', () => end())
    socket.once('data', (data) => end(data.toString('latin1')))
    if (question) socket.once('connect', () => socket.write(question))
  })
}

/** Says in one line that a server is missing. With `CI=true`, where nothing may be skipped, it throws that line. */
export function missing(line: string): undefined {
  if (process.env.CI === 'true') throw new Error(line)
  process.stderr.write(`${line}\n`)
  return undefined
}
