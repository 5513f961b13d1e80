import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

/** The command of package.json, without a terminal. */
function runDemo(): Promise<{ readonly code: number; readonly output: string; readonly ms: number }> {
  const started = performance.now()
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const args = ['--import', 'tsx', '--conditions=@hooks/source', 'src/main.ts']
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr, ms: performance.now() - started })
    })
  })
}

describe('the demo', () => {
  it('loses nothing over failures and a SIGKILL, within 30 seconds', { timeout: 60_000 }, async () => {
    const { code, output, ms } = await runDemo()
    expect(output).toMatch(/^lost +0$/m)
    expect(output).toMatch(/^handled twice +0$/m)
    expect(output).toMatch(/^unexpected +0$/m)
    expect(code, output).toBe(0)
    expect(ms).toBeLessThan(30_000)

    // It would be easy to lose nothing if nothing went wrong.
    expect(output).toMatch(/SIGKILL: the sender is dead/)
    expect(output).toMatch(/finds [1-9]\d* deliveries in flight/)
    const count = (name: string) => Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(output)?.[1])
    expect(count('deliveries to make')).toBe(5 * count('messages sent'))
    // Of five endpoints one fails twice, one hangs once, one loses an answer. The kill takes some of that away.
    expect(count('attempts')).toBeGreaterThan(1.5 * count('deliveries to make'))
    expect(count('duplicates absorbed')).toBeGreaterThan(0.9 * count('messages sent'))
    // Nothing of a terminal where there is none.
    expect(output).not.toContain('\x1b')
  })
})
