import { createReceiver } from '@hooks/receiver'
import { github, linear, paddle, shopify, slack, stripe, zoom } from '@hooks/receiver/formats'
import { signRequest } from '@hooks/receiver/testing'
import { expect, it } from 'vitest'
import { TEXT_SECRET } from './support.ts'

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
