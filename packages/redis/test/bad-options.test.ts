import { describe, expect, it } from 'vitest'
import { redisIdempotency } from '../src/index.ts'

const client = { eval: async () => null, evalsha: async () => null }

describe('options', () => {
  for (const [words, given] of [
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['timeoutMs', { timeoutMs: '2000' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['prefix', { prefix: undefined, client, timeoutMs: 1, prefx: 'app:' }],
    ['prefix', { prefix: 7 }],
  ] as const)
    it(`refuses ${JSON.stringify(given)}: with them no answer would come in time, or keys would be another's`, () => {
      expect(() => redisIdempotency({ client, ...given } as never)).toThrow(
        expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(words.slice(0, 4)) }),
      )
    })
})
