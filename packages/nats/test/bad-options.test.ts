import { describe, expect, it } from 'vitest'
import { natsQueue } from '../src/index.ts'

const connection = {
  publish() {},
  subscribe: () => ({ unsubscribe() {} }),
  flush: async () => {},
  isClosed: () => false,
  async *status() {},
}

describe('options', () => {
  for (const [words, given] of [
    ['needs connection', { connection: undefined }],
    ['connection', { connection: 'nats://localhost' }],
    ['subject', { subject: '' }],
    ['subject', { subject: 'hooks.*' }],
    ['subject', { subject: 'hooks rings' }],
    ['subject', { subject: 'hooks..rings' }],
    ['no option "subjekt"', { subjekt: 'rings' }],
  ] as const)
    it(`refuses ${JSON.stringify(given)} before the first ring would`, () => {
      expect(() => natsQueue({ connection, ...given } as never)).toThrow(
        expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(words) }),
      )
    })
})
