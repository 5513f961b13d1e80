import { describe, expect, it } from 'vitest'
import { bullmqQueue } from '../src/index.ts'

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
    ['no option "nmae"', { nmae: 'hooks' }],
  ] as const)
    it(`refuses ${JSON.stringify(given)} before the first ring would`, () => {
      expect(() => bullmqQueue({ connection, ...given } as never)).toThrow(
        expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(words) }),
      )
    })
})
