import { createHmac } from 'node:crypto'
import { linear } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'

// Linear publishes no signature with its secret. Requests of ours that @linear/sdk accepts are in vectors/providers.json.
const secret = 'lin_wh_0123456789abcdef'
const format = linear()

formatLaw('linear', format, secret, {
  signed: ['linear-signature'],
  spellings: ['linear-signature'],
  signedTime: ({ message }) => message.occurredAt,
  content: ({ message }) => ({
    type: message.type,
    id: message.id,
    sentAt: message.occurredAt,
    data: { type: message.type, webhookTimestamp: message.occurredAt.getTime(), ...JSON.parse(message.data) },
  }),
})

describe('linear', () => {
  const sentAt = 1_676_056_940_508
  const event = {
    action: 'update',
    type: 'Issue',
    createdAt: '2023-02-10T19:22:20.000Z',
    data: { id: '2174add1' },
    updatedFrom: { title: 'old' },
    webhookTimestamp: sentAt,
    webhookId: '000042e3',
  }
  const judged = (body: string, now: number) => {
    const headers = { 'Linear-Signature': createHmac('sha256', secret).update(body).digest('hex') }
    return outcomeOf({ format, secrets: [secret], now: now / 1000 }, request(headers, body))
  }

  it('reads the whole event, with the id of the delivery', () => {
    expect(format.read(request({ 'linear-delivery': '234d1a4e' }, JSON.stringify(event)))).toEqual({
      type: 'Issue',
      id: '234d1a4e',
      sentAt: new Date(sentAt),
      occurredAt: new Date('2023-02-10T19:22:20Z'),
      data: event,
    })
  })

  it('accepts every retry: after a minute, an hour and six hours more, with the bytes of the first attempt', async () => {
    const [minute, hour] = [60_000, 3_600_000]
    const body = JSON.stringify(event)
    for (const late of [0, minute, minute + hour, minute + 7 * hour, 8 * hour]) {
      expect(await judged(body, sentAt + late)).toBe('0')
    }
    expect(await judged(body, sentAt + 8 * hour + 1000)).toBe('timestamp_too_old')
    expect(await judged(body, sentAt - 301_000)).toBe('timestamp_too_new')
  })

  it.each(['{}', '{"webhookTimestamp":"x"}', '{"webhookTimestamp":1.5}', '{"webhookTimestamp":-1}', '[]', 'null'])(
    'refuses %s, which names no time, however well it is signed',
    async (body) => {
      expect(await judged(body, sentAt)).toBe('malformed_timestamp')
    },
  )

  it('parses nothing before the signature holds', async () => {
    const received = request({ 'linear-signature': 'ab'.repeat(32) }, 'no JSON')
    expect(await outcomeOf({ format, secrets: [secret], now: 0 }, received)).toBe('signature_mismatch')
    expect(await judged('no JSON', sentAt)).toBe('payload_invalid')
    expect(codeOf(() => format.read(request({}, '{"webhookTimestamp":1676056940508}')))).toBe('payload_invalid')
  })
})
