import { ConfigurationError } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../src/memory-storage.ts'
import { storageCases, storageSuite } from '../src/testing/index.ts'

storageSuite(
  { describe, it, expect },
  {
    name: 'memory',
    facts: { clock: 'injected', processes: 'one', tx: 'none' },
    make: (seams) => {
      const storage = memoryStorage(seams)
      return { storage, close: () => storage.close() }
    },
  },
)

describe('the suite', () => {
  it('names every promise once', () => {
    expect(new Set(storageCases).size).toBe(storageCases.length)
  })
})

describe('the memory storage', () => {
  it('refuses a transaction, because it has none', () => {
    const storage = memoryStorage()
    expect(() => storage.put([], {} as never)).toThrow(ConfigurationError)
  })

  it('answers a put at once, so that a send costs no turn of the event loop', () => {
    expect(memoryStorage().put([])).toEqual([])
  })

  it('needs no options', async () => {
    expect(await memoryStorage().schema.check()).toMatchObject({ version: 1, expected: 1 })
  })
})
