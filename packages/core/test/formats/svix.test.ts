import { readFileSync } from 'node:fs'
import { svix } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const format = svix()

formatLaw('svix', format, secret, {
  signed: ['svix-signature', 'svix-id', 'svix-timestamp'],
  content: ({ message, sentAt }) => ({
    type: message.type,
    id: message.id,
    sentAt,
    occurredAt: message.occurredAt,
    data: { type: message.type, timestamp: message.occurredAt.toISOString(), ...JSON.parse(message.data) },
  }),
})

describe('svix', () => {
  // github.com/svix/svix-webhooks: see vectors/standard-webhooks.json
  const vectors = JSON.parse(readFileSync(new URL('../vectors/standard-webhooks.json', import.meta.url), 'utf8')) as {
    sign: { title: string; secret: string; id: string; timestamp: number; payload?: string; signature: string }[]
  }

  it.each(vectors.sign.filter(({ secret, payload }) => payload !== undefined && secret.startsWith('whsec_')))(
    'accepts under either name of the headers: $title',
    async (vector) => {
      const { secret, id, timestamp, payload = '', signature } = vector
      for (const prefix of ['svix', 'webhook']) {
        const headers = {
          [`${prefix}-id`]: id,
          [`${prefix}-timestamp`]: `${timestamp}`,
          [`${prefix}-signature`]: signature,
        }
        const judged = (body: string) =>
          outcomeOf({ format, secrets: [secret], now: timestamp }, request(headers, body))
        expect(await judged(payload)).toBe('0')
        expect(await judged(`${payload} `)).toBe('signature_mismatch')
      }
    },
  )

  it("gives the whole body of those who send with it, as Clerk's, under either name of the headers", () => {
    const event = { type: 'user.created', object: 'event', data: { id: 'user_1' }, instance_id: 'ins_1' }
    for (const prefix of ['svix', 'webhook']) {
      const headers = { [`${prefix}-id`]: 'msg_1', [`${prefix}-timestamp`]: '1614265330' }
      expect(format.read(request(headers, JSON.stringify(event)))).toEqual({
        type: 'user.created',
        id: 'msg_1',
        sentAt: new Date(1_614_265_330_000),
        data: event,
      })
    }
  })

  it('takes the type from the field that the sender has for it, and puts it there', async () => {
    const named = svix({ type: 'eventType' })
    const event = { eventType: 'invoice.paid', amount: 1 }
    for (const prefix of ['svix', 'webhook']) {
      const headers = { [`${prefix}-id`]: 'msg_1', [`${prefix}-timestamp`]: '1614265330' }
      expect(named.read(request(headers, JSON.stringify(event)))).toMatchObject({ type: 'invoice.paid', data: event })
      expect(() => named.read(request(headers, '{"type":"invoice.paid"}'))).toThrow(
        expect.objectContaining({ code: 'payload_invalid' }),
      )
    }
    const { body } = named.compose(delivery({ type: 'invoice.paid', data: '{"amount":1}' }))
    expect(JSON.parse(body as string)).toMatchObject(event)
  })

  it.each([{ type: 1 }, { typ: 'event' }, null])('refuses options that are none: %j', (options) => {
    expect(() => svix(options as never)).toThrow(expect.objectContaining({ code: 'option_invalid' }))
  })

  it('does not mix the two: an id of one and the signature of the other is none', async () => {
    const headers = { 'svix-id': 'msg_1', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,x' }
    expect(await outcomeOf({ format, secrets: [secret], now: 0 }, request(headers, '{}'))).toBe('missing_header')
  })

  it('refuses a body without a type, after a good signature', () => {
    const headers = { 'svix-id': 'msg_1', 'svix-timestamp': '1614265330' }
    for (const body of ['{}', '[]', '{"type":1}', '{"type":""}', '']) {
      expect(codeOf(() => format.read(request(headers, body)))).toBe('payload_invalid')
    }
  })
})
