import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { HeapReport } from './heap/soak.ts'

/** `HOOKS_HEAP_ATTEMPTS=100000` for a longer run. */
const ATTEMPTS = Number(process.env.HOOKS_HEAP_ATTEMPTS ?? 20_000)
/** Bytes of heap that may stay of an attempt. */
const MOST = 20

describe('attempts against every hostile receiver, over and over', () => {
  it('come to what they should within 100 ms of their deadline, and leave nothing behind in the heap and no socket open', {
    timeout: 1_800_000,
  }, () => {
    const program = fileURLToPath(new URL('./heap/soak.ts', import.meta.url))
    const flags = ['--expose-gc', '--conditions=@hooks/source', '--import', 'tsx', program, String(ATTEMPTS)]
    const report = JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' })) as HeapReport
    const MIB = 2 ** 20
    process.stdout.write(
      `one at a time, at most ${report.overtime.toFixed(0)} ms after a deadline; ${report.attempts} attempts: ${report.slope.toFixed(1)} bytes an attempt over the last half (at most ${MOST}), heap ${report.heap.map((bytes) => (bytes / MIB).toFixed(1)).join(' ')} MiB; came to something else than they should on a machine with time: ${JSON.stringify(report.odd)}\n`,
    )
    expect(report.late).toEqual([])
    expect(report.attempts).toBe(ATTEMPTS)
    expect(report.sockets).toBe(0)
    // Each receiver did what it is there for.
    expect(report.unseen).toEqual([])
    expect(report.slope).toBeLessThanOrEqual(MOST)
  })
})
