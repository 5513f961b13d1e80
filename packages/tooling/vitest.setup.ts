import { format } from 'node:util'
import { afterEach, beforeEach } from 'vitest'

const methods = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const
const original = { ...console }
// A test may leave fake timers behind.
const realImmediate = setImmediate
let faults: string[] = []

const onRejection = (reason: unknown) => faults.push(`unhandled rejection: ${format(reason)}`)

beforeEach(() => {
  faults = []
  for (const method of methods)
    console[method] = (...args: unknown[]) => faults.push(`console.${method}: ${format(...args)}`)
  process.on('unhandledRejection', onRejection)
})

// A test that expects output replaces the method: vi.spyOn(console, 'warn').mockImplementation(() => {}).
afterEach(async () => {
  await new Promise((resolve) => realImmediate(resolve))
  process.off('unhandledRejection', onRejection)
  Object.assign(console, original)
  if (faults.length > 0) throw new Error(`Unexpected in this test:\n${faults.join('\n')}`)
})
