import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Names the folder of this test run: what one test file starts, the others use, and the run's end stops. */
const VARIABLE = 'HOOKS_TEST_RUN'

/** The folder of this run. Outside of one, a folder of this process. */
export function runFolder(): string {
  const folder = process.env[VARIABLE] ?? join(tmpdir(), `hooks-test-${process.pid}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return folder
}

/** Begins a run: its processes share a folder. */
export function beginRun(): void {
  process.env[VARIABLE] ??= join(tmpdir(), `hooks-test-run-${process.pid}`)
}

/** Ends a run: what was left in its folder is gone. */
export function endRun(): void {
  const folder = process.env[VARIABLE]
  if (folder) rmSync(folder, { recursive: true, force: true })
}

/** Does `work` for all processes of the run one after the other. */
export async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  const lock = join(runFolder(), `${name}.lock`)
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (!existsSync(lock)) throw error
      await sleep(100)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}
