import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const packages = fileURLToPath(new URL('../..', import.meta.url))
const here = join(packages, 'frameworks')
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** A page of the guides: the code blocks that have a file's name. */
export interface Page {
  readonly path: string
  readonly text: string
  readonly blocks: ReadonlyMap<string, string>
}

/** @param path from `packages` */
export function readPage(path: string): Page {
  const text = readFileSync(join(packages, path), 'utf8')
  const blocks = new Map<string, string>()
  for (const [, name = '', code = ''] of text.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)) {
    if (blocks.has(name)) throw new Error(`${path} has two blocks "${name}"`)
    blocks.set(name, code)
  }
  return { path, text, blocks }
}

/** A folder inside this package, so that the packages' names mean the workspace. Ends with {@link cleanUp}. */
export function newFolder(): string {
  mkdirSync(join(here, '.readme'), { recursive: true })
  const folder = mkdtempSync(join(here, '.readme', 'run-'))
  folders.push(folder)
  return folder
}

const folders: string[] = []

const running: ChildProcess[] = []

/** Ends what {@link run} began, and removes the folders that were made here: another file's tests have theirs beside them. */
export function cleanUp(): void {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

/** The files of a page, as they stand. */
export function writeFiles(folder: string, files: Iterable<readonly [string, string]>): void {
  for (const [name, code] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), code)
  }
}

export interface Running {
  readonly child: ChildProcess
  /** All that it has printed. */
  output(): string
  /** Until something listens on the port. Rejects where the program ended before. */
  listening(port: number): Promise<void>
  /** Until it has printed this. */
  prints(line: RegExp): Promise<void>
}

/** Runs a file of a folder on the packages' sources. */
export function runFile(folder: string, file: string, env: Readonly<Record<string, string>> = {}): Running {
  return run(process.execPath, ['--conditions=@hooks/source', '--import', tsx, file], folder, env)
}

export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Running {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env } })
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  let failed: unknown
  child.on('error', (error) => (failed = error))
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) {
      if (failed || child.exitCode !== null)
        throw new Error(`${command} ended with ${failed ?? child.exitCode}: ${output}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  return {
    child,
    output: () => output,
    listening: (port) => until(() => answers(port)),
    prints: (line) => until(() => line.test(output)),
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (does: boolean) => {
      socket.destroy()
      resolve(does)
    }
    socket.on('connect', () => end(true)).on('error', () => end(false))
  })

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
