import { Cluster, Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { bullmqQueue } from '../src/index.ts'

/** What decides. */
interface Options {
  readonly maxRetriesPerRequest?: null
  readonly keyPrefix?: string
}

const connection = { host: '127.0.0.1', port: 1 }

describe('options', () => {
  for (const [words, given] of [
    ['needs connection', { connection: undefined }],
    ['name', { name: '' }],
    ['name', { name: 'app:hooks' }],
    ['keep', { keep: Number.NaN }],
    ['keep', { keep: -1 }],
    ['keep', { keep: '100' }],
    ['prefix', { prefix: 7 }],
    ['keyPrefix', { connection: { ...connection, keyPrefix: 'app:' } }],
    ['no option "nmae"', { nmae: 'hooks' }],
  ] as const)
    it(`refuses ${JSON.stringify(given)} before the first ring would`, () => {
      expect(() => bullmqQueue({ connection, ...given } as never)).toThrow(
        expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(words) }),
      )
    })

  it('refuses a client with which nobody could listen', () => {
    const client = (options: Options) => new Redis({ ...connection, lazyConnect: true, ...options })
    const cluster = (redisOptions: Options) => new Cluster([connection], { lazyConnect: true, redisOptions })
    for (const one of [
      client({}),
      client({ maxRetriesPerRequest: null, keyPrefix: 'a:' }),
      cluster({ keyPrefix: 'a:' }),
    ])
      expect(() => bullmqQueue({ connection: one })).toThrow(expect.objectContaining({ code: 'option_invalid' }))
    for (const one of [client({ maxRetriesPerRequest: null }), cluster({ maxRetriesPerRequest: null })])
      expect(() => bullmqQueue({ connection: one })).not.toThrow()
  })
})
