import { format } from 'node:util'
import { silentLogger } from '@hooks/core'
import { afterEach, beforeEach } from 'vitest'
import { canaryIn, plantCanaries } from './src/canary.ts'

const methods = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const
const original = { ...console }
// A test may leave fake timers behind.
const realImmediate = setImmediate
let faults: string[] = []

// Secrets that are made by chance can be recognised, and stand in no log, also where a test does not listen to it.
plantCanaries()
for (const level of ['debug', 'error', 'info', 'warn'] as const)
  silentLogger[level] = (...told) => {
    const found = canaryIn(...told)
    if (found) faults.push(`a secret in a log, as ${found}: ${format(...told)}`)
  }

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
