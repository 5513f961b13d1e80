import { stripe } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send, utf8 } from '../support.ts'
import { formatLaw } from './law.ts'

const secret = 'whsec_test_secret'
const format = stripe()

formatLaw('stripe', format, secret, {
  signed: ['stripe-signature'],
  spellings: ['stripe-signature'],
  content: ({ message, sentAt }) => ({
    type: message.type,
    id: message.id,
    sentAt,
    occurredAt: message.occurredAt,
    data: {
      id: message.id,
      object: 'event',
      type: message.type,
      created: message.occurredAt.getTime() / 1000,
      ...JSON.parse(message.data),
    },
  }),
})

describe('stripe', () => {
  const sent = delivery({
    id: 'evt_1',
    type: 'invoice.paid',
    data: '{"data":{"object":{"id":"in_1"}},"livemode":false}',
  })
  const now = 1_705_314_600
  const signed = async (secrets: readonly string[] = [secret]) => send(format, secrets, sent)
  const judged = async (header: string, secrets = [secret], at = now) => {
    const { body } = await signed()
    return outcomeOf({ format, secrets, now: at }, request({ 'stripe-signature': header }, body))
  }
  const parts = async (secrets?: readonly string[]) => {
    const { headers } = await signed(secrets)
    const [time = '', ...signatures] = String(headers['stripe-signature']).split(',')
    return { time, signatures }
  }

  it("composes Stripe's event, and reads it back whole", async () => {
    const { headers, body } = await signed()
    const event = {
      id: 'evt_1',
      object: 'event',
      type: 'invoice.paid',
      created: now,
      data: { object: { id: 'in_1' } },
      livemode: false,
    }
    expect(JSON.parse(Buffer.from(body).toString())).toEqual(event)
    expect(format.read(request(headers, body))).toEqual({
      type: 'invoice.paid',
      id: 'evt_1',
      data: event,
      occurredAt: new Date(now * 1000),
      sentAt: new Date(now * 1000),
    })
  })

  it('signs with every live secret during a roll, and accepts either', async () => {
    const { time, signatures } = await parts(['whsec_new_secret_1', secret])
    expect(signatures).toHaveLength(2)
    expect(await judged([time, ...signatures].join(','))).toBe('0')
    expect(await judged([time, ...signatures].join(','), ['whsec_new_secret_1'])).toBe('0')
    expect(await judged([time, ...signatures.reverse()].join(','))).toBe('0')
  })

  it('ignores v0 and whatever it does not know', async () => {
    const { time, signatures } = await parts()
    const [v1 = ''] = signatures
    expect(await judged(`${time},${v1.replace('v1', 'v0')}`)).toBe('signature_mismatch')
    expect(await judged(`${time},v0=6ffbb59b,${v1},v2=x,nothing,=,`)).toBe('0')
  })

  it.each(['t,v1=,v0=', 't=,v1=', 'v1=00', 't=1,t=2,v1=00', 't=-5,v1=00', 't=1e3,v1=00', 't=12junk,v1=00', 'ö=1', ','])(
    'refuses %s with an error of its own',
    async (header) => {
      expect(await judged(header)).toMatch(/^malformed_(header|timestamp)$/)
    },
  )

  it('bounds the future as well as the past', async () => {
    const { time, signatures } = await parts()
    const header = [time, ...signatures].join(',')
    expect(await judged(header, [secret], now + 300)).toBe('0')
    expect(await judged(header, [secret], now + 301)).toBe('timestamp_too_old')
    expect(await judged(header, [secret], now - 301)).toBe('timestamp_too_new')
  })

  it('computes one HMAC, however many signatures it is given, and refuses a megabyte of them', async () => {
    const { time, signatures } = await parts()
    const many = `${time},${`v1=${'0'.repeat(64)},`.repeat(16)}`
    expect(await judged(many + signatures[0])).toBe('malformed_header')
    expect(await judged(`${time},${'v1=00,'.repeat(170_000)}`)).toBe('malformed_header')
  })

  it('refuses to send data that has an id or type of its own: it would be taken for the event’s', () => {
    expect(codeOf(() => format.check?.('invoice.paid', { id: 'in_1' }))).toBe('payload_invalid')
    expect(codeOf(() => format.check?.('invoice.paid', { data: { object: { id: 'in_1' } } }))).toBe('accepted')
  })

  it('verifies bytes that are no UTF-8, and then refuses to read them', async () => {
    const body = Uint8Array.of(0xff, 0xfe)
    const headers = await format.seal(
      { ...sent, attempt: 1, sentAt: new Date(now * 1000), body },
      format.keys(secret, 'sign'),
      (await import('@hooks/core')).platformCrypto(),
    )
    expect(await outcomeOf({ format, secrets: [secret], now }, request(headers, body))).toBe('0')
    expect(codeOf(() => format.read(request(headers, body)))).toBe('payload_invalid')
    expect(codeOf(() => format.read(request(headers, utf8('[]'))))).toBe('payload_invalid')
  })
})
