import { defineContract, StorageError, silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createSender, memoryStorage } from '../src/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { virtualClock } from '../src/testing/virtual-clock.ts'
import { events } from './stage.ts'

const MINUTE = 60_000

/** A sender whose storage fails at all that its loops ask of it, as long as there is an error, and what it says of it. */
function stage(error: () => StorageError | undefined) {
  const clock = virtualClock()
  const random = seededRandom(3)
  const said: { fields: object; message: string | undefined }[] = []
  const storage = memoryStorage({ clock, random })
  const failing = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...given: unknown[]) => {
          const wrong = error()
          return wrong ? Promise.reject(wrong) : value.apply(target, given)
        }
      },
    })
  const hooks = createSender({
    contract: defineContract({ events }),
    storage: failing({ ...storage, jobs: failing(storage.jobs) }),
    clock,
    random,
    logger: { ...silentLogger, error: (fields, message) => said.push({ fields, message }) },
  })
  return { clock, hooks, said }
}

describe('a fault of the storage that does not pass by itself', () => {
  it('is said once in full by all loops together, and then in a line every five minutes', async () => {
    const missing = new StorageError('schema_missing', 'the tables are not there', { hint: 'make them' })
    const { clock, hooks, said } = stage(() => missing)
    hooks.start()
    await clock.advance(16 * MINUTE)
    expect(said[0]).toMatchObject({ fields: { error: missing }, message: expect.stringMatching(/^hooks: /) })
    const still = {
      fields: { code: 'schema_missing' },
      message: 'hooks: nothing is delivered, for it is still so: the tables are not there',
    }
    expect(said.slice(1)).toEqual([still, still, still])
    await Promise.all([hooks.stop(), clock.advance(MINUTE)])
  })

  it('is said in full again where it had been mended, and is beside another', async () => {
    let wrong: StorageError | undefined = new StorageError('schema_missing', 'the tables are not there')
    const { clock, hooks, said } = stage(() => wrong)
    hooks.start()
    await clock.advance(MINUTE)
    wrong = new StorageError('storage_denied', 'the role may not do this')
    await clock.advance(MINUTE)
    expect(said).toHaveLength(2)
    wrong = undefined
    await clock.advance(6 * MINUTE)
    wrong = new StorageError('schema_missing', 'the tables are not there')
    await clock.advance(MINUTE)
    expect(said.map(({ fields }) => (fields as { error?: StorageError }).error?.code)).toEqual([
      'schema_missing',
      'storage_denied',
      'schema_missing',
    ])
    await Promise.all([hooks.stop(), clock.advance(MINUTE)])
  })

  it('is none where another try may help: that is said each time', async () => {
    const { clock, hooks, said } = stage(() => new StorageError('storage_unavailable', 'not reached'))
    hooks.start()
    await clock.advance(MINUTE)
    expect(said.length).toBeGreaterThan(10)
    expect(said.every(({ fields }) => 'error' in fields)).toBe(true)
    await Promise.all([hooks.stop(), clock.advance(MINUTE)])
  })
})
