import { createReceiver } from '@hooks/receiver'
import { github, linear, paddle, shopify, slack, stripe, zoom } from '@hooks/receiver/formats'
import { type SignedMessage, signRequest } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { providers, TEXT_SECRET } from './support.ts'

const secret = TEXT_SECRET

it.each([slack(), stripe(), github(), shopify(), linear(), paddle(), zoom()])(
  'a message of $name needs no data, and a body to the letter needs none either',
  async (format) => {
    const receiver = createReceiver({ format, secret }).on('*', () => {})
    const empty = await signRequest(format, secret, { type: 'some_type' })
    expect((await receiver.handle(empty)).outcome).toBe('handled')
    const copied = await signRequest(format, secret, { type: 'some_type', body: empty.body })
    expect(copied.body).toEqual(empty.body)
    expect((await receiver.handle(copied)).outcome).toBe('handled')
  },
)

describe.each(providers.filter(({ format }) => format.facts.sentAt === 'signed'))(
  'a time long past',
  ({ name, format, secret: own, type }) => {
    const receiver = createReceiver({ format, secret: own }).on('*', () => {})
    const outcome = async (more: Partial<SignedMessage>) =>
      (await receiver.handle(await signRequest(format, own, { type, ...more }))).outcome

    it(`is refused of ${name}, wherever the format has its time`, async () => {
      expect(await outcome({})).toBe('handled')
      expect(await outcome({ invalid: 'timestamp' })).toBe('timestamp_too_old')
      expect(await outcome({ sentAt: new Date('2020-01-01T00:00:00Z') })).toBe('timestamp_too_old')
    })
  },
)
