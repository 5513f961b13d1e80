import { createReceiver, memoryIdempotency, type WireFormat } from '@hooks/receiver'
import * as formats from '@hooks/receiver/formats'
import { type SignedMessage, signRequest, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { memoryLogger, TEXT_SECRET } from './support.ts'

interface Honest {
  readonly name: string
  readonly format: WireFormat
  /** Of two messages of one kind that say different things. */
  readonly messages: readonly [first: Partial<SignedMessage>, second: Partial<SignedMessage>]
  /** The header that holds the id, where there is one: others of this provider's messages do without it. */
  readonly header?: string
  readonly secret?: string
  readonly sign?: string
}

const json = (body: object): Partial<SignedMessage> => ({ body: JSON.stringify(body) })
const form = (body: Readonly<Record<string, string>>): Partial<SignedMessage> => ({
  body: new URLSearchParams(body).toString(),
})
const interaction = (payload: object) => form({ payload: JSON.stringify(payload) })
const limited = (minute: number) => json({ type: 'app_rate_limited', team_id: 'T1', minute_rate_limited: minute })
const view = (id: string) => interaction({ type: 'view_closed', team: { id: 'T1' }, view: { id } })
const authorized = (user: string) =>
  json({ version: 1, type: 1, event: { type: 'APPLICATION_AUTHORIZED', timestamp: '', data: { user } } })

/** RFC 8032, 7.1, test 3: a private key, and its public one. */
const ed25519 = {
  sign: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
  secret: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
}

/** What providers send without an id, though their format has one: by their documents, or in their older versions. */
const honest: readonly Honest[] = [
  { name: 'Slack, app_rate_limited', format: formats.slack(), messages: [limited(1), limited(2)] },
  { name: 'Slack, view_closed', format: formats.slack(), messages: [view('V1'), view('V2')] },
  {
    name: 'Discord, a webhook event',
    format: formats.discord(),
    messages: [authorized('1'), authorized('2')],
    ...ed25519,
  },
  {
    name: 'GitLab before 17.4',
    format: formats.gitlab(),
    messages: [json({ object_kind: 'push', after: 'a' }), json({ object_kind: 'push', after: 'b' })],
    header: 'idempotency-key',
  },
  {
    name: 'Linear, without Linear-Delivery',
    format: formats.linear(),
    messages: [{ data: { action: 'create' } }, { data: { action: 'remove' } }],
    header: 'linear-delivery',
  },
  {
    name: 'Twilio, a form',
    format: formats.twilio(),
    messages: [form({ CallSid: 'CA1', CallStatus: 'ringing' }), form({ CallSid: 'CA1', CallStatus: 'completed' })],
    header: 'i-twilio-idempotency-token',
  },
  {
    name: 'Twilio, a query',
    format: formats.twilio(),
    messages: [
      { body: '', url: 'https://h.example/calls?CallSid=CA1&CallStatus=ringing' },
      { body: '', url: 'https://h.example/calls?CallSid=CA1&CallStatus=completed' },
    ],
    header: 'i-twilio-idempotency-token',
  },
  {
    name: 'HubSpot',
    format: formats.hubspot(),
    messages: [{ body: '[{"objectId":1}]' }, { body: '[{"objectId":2}]' }],
  },
  { name: 'LINE', format: formats.line(), messages: [json({ events: [{ a: 1 }] }), json({ events: [{ a: 2 }] })] },
]

describe.each(honest)('$name has no id, though its format has one:', (given) => {
  const { format, messages, header, secret = TEXT_SECRET, sign = secret } = given
  const clock = virtualClock()
  const make = () => {
    const seen: string[] = []
    const receiver = createReceiver({
      format,
      secret,
      clock,
      idempotency: memoryIdempotency({ clock }),
      logger: memoryLogger(),
    }).on('*', ({ body }) => {
      seen.push(Buffer.from(body).toString())
    })
    return { receiver, seen }
  }
  const request = async (message: Partial<SignedMessage>) => {
    const type = format.name === 'hubspot' || format.name === 'line' ? 'events' : 'any'
    const signed = await signRequest(format, sign, { type, clock, ...message })
    const { [header ?? '']: _, ...headers } = signed.headers
    return { ...signed, headers }
  }

  it('it is handled, and each message once', async () => {
    const { receiver, seen } = make()
    const outcomes = []
    for (const message of [...messages, ...messages]) {
      outcomes.push((await receiver.handle(await request(message))).outcome)
    }
    expect(outcomes).toEqual(['handled', 'handled', 'duplicate', 'duplicate'])
    expect(seen).toHaveLength(2)
  })
})

it('a later attempt at a message without an id, which has another signed time, is a duplicate', async () => {
  const clock = virtualClock()
  const format = formats.slack()
  const receiver = createReceiver({ format, secret: TEXT_SECRET, clock, idempotency: memoryIdempotency({ clock }) })
  receiver.on('app_rate_limited', () => {})
  const attempt = async (url: string) => {
    const request = await signRequest(format, TEXT_SECRET, { type: 'any', clock, ...limited(1) })
    return (await receiver.handle({ ...request, url })).outcome
  }
  expect(await attempt('/slack')).toBe('handled')
  await clock.advance(60_000)
  expect(await attempt('/slack')).toBe('duplicate')
  // Whoever repeats a request can write another query behind a URL that nothing signs.
  expect(await attempt('/slack?again')).toBe('duplicate')
})
