import { type ChildProcess, spawn } from 'node:child_process'
import { compiledScript } from 'tooling/script'
import { afterEach } from 'vitest'

const running = new Set<ChildProcess>()

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

const scripts = {
  'hold-lock': new URL('./children/hold-lock.ts', import.meta.url),
  'claim-for': new URL('./children/claim-for.ts', import.meta.url),
  deliver: new URL('./children/deliver.ts', import.meta.url),
  work: new URL('./children/work.ts', import.meta.url),
}

/** A script of ./children in a process of its own. */
export interface Child {
  /** What it has printed, by line. */
  readonly lines: readonly string[]
  /** Until it has printed a line that begins so. */
  printed(start: string): Promise<void>
  /** Tells one that waits to go on. */
  goOn(): void
  /** Until it is over. Rejects if it failed by itself. */
  readonly over: Promise<void>
  kill(): void
  /** Asks it to stop. */
  stop(): void
}

/** Starts a script of ./children. */
export async function startChild(
  script: keyof typeof scripts,
  ...values: readonly (string | number)[]
): Promise<Child> {
  const child = spawn(process.execPath, [await compiledScript(scripts[script]), ...values.map(String)])
  running.add(child)
  const lines: string[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  let complaint = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    for (const look of waiting) look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const over = new Promise<void>((resolve, reject) => {
    child.on('close', (code, signal) => {
      running.delete(child)
      if (code === 0 || signal === 'SIGKILL') resolve()
      else reject(new Error(`${script} ended with ${code ?? signal}: ${complaint}`))
    })
  })
  // Whoever waits for a line may not be waiting for the end yet.
  over.catch(() => {})
  const printed = async (start: string) => {
    const seen = new Promise<void>((resolve) => {
      const look = () => {
        if (!lines.some((line) => line.startsWith(start))) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
    const ended = over.then(() => {
      if (!lines.some((line) => line.startsWith(start)))
        throw new Error(`${script} is over, and never printed ${start}`)
    })
    await Promise.race([seen, ended])
  }
  return {
    lines,
    printed,
    over,
    goOn: () => void child.stdin.write('\n'),
    kill: () => void child.kill('SIGKILL'),
    stop: () => void child.kill('SIGTERM'),
  }
}
