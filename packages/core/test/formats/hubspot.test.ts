import { hubspot } from '@hooks/core/formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send } from '../support.ts'
import { formatLaw } from './law.ts'

const secret = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy'
const format = hubspot()

formatLaw('hubspot', format, secret, {
  signed: ['x-hubspot-signature-v3', 'x-hubspot-request-timestamp'],
  spellings: ['url'],
  type: fc.constant('events'),
  content: ({ message, sentAt }) => ({
    type: 'events',
    id: `::${message.id}:${message.occurredAt.getTime()}`,
    sentAt,
    data: [
      {
        eventId: message.id,
        occurredAt: message.occurredAt.getTime(),
        attemptNumber: 0,
        ...JSON.parse(message.data),
      },
    ],
  }),
})

describe('hubspot', () => {
  // HubSpot publishes no vector of version 3: its documents' are of versions 1 and 2, and its SDK's test signs at run time.
  // These were made with `Signature.getSignature('POST', 'v3', …)` of @hubspot/api-client@14.0.1, of the body and the secret
  // of HubSpot's own example.
  const body =
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
  const judge = (signature: string, url: string, { text = body, now = 1_564_113_600, method = 'POST' } = {}) =>
    outcomeOf(
      { format, secrets: [secret], now },
      request({ 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': '1564113600500' }, text, {
        url,
        method,
      }),
    )
  const url = 'https://www.example.com/webhook_uri'
  const made = '+r3cQe2xhAmobOAMhJIrVNtvq0R4VE7rXpN8HitwqVo='

  it('accepts what @hubspot/api-client signs', async () => {
    expect(await judge(made, url)).toBe('0')
    expect(await judge(made, `${url}/`)).toBe('signature_mismatch')
    expect(await judge(made, url, { text: body.replace('62515', '62516') })).toBe('signature_mismatch')
    const other = 'hiXjsKRuEjeVYDxo7cXBsISQDzhbDErVBCoqb+6x/8Y='
    expect(await judge(other, url, { text: '{"example_field":"example_value"}' })).toBe('0')
  })

  it('takes the URL as it is, and as HubSpot signs it, with some escapes decoded', async () => {
    const signature = '6wMNaYwRptj4vMCPQ66Xvuq8CODl4ZcDJDb+6UWdzg0='
    expect(await judge(signature, `${url}?to=a@b.example`)).toBe('0')
    expect(await judge(signature, `${url}?to=a%40b.example`)).toBe('0')
    expect(await judge(signature, `${url}?to=%61@b.example`)).toBe('signature_mismatch')
    expect(await judge(signature, `${url}?to=a%2540b.example`)).toBe('signature_mismatch')
  })

  it('allows five minutes either way', async () => {
    const at = (seconds: number) => judge(made, url, { now: 1_564_113_600 + seconds })
    expect([await at(300), await at(301), await at(-300), await at(-301)]).toEqual([
      '0',
      'timestamp_too_old',
      '0',
      'timestamp_too_new',
    ])
  })

  it('does not read versions 1 and 2, which sign no time', async () => {
    const headers = {
      'x-hubspot-signature': '232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de',
      'x-hubspot-signature-version': 'v1',
    }
    expect(await outcomeOf({ format, secrets: [secret], now: 0 }, request(headers, body))).toBe('missing_header')
  })

  it('tells events apart by account, subscription, event and time, whatever the number of the attempt', () => {
    const read = (events: object[]) =>
      format.read(request({ 'x-hubspot-request-timestamp': '1' }, JSON.stringify(events)))
    const [event] = JSON.parse(body)
    expect(read([event])).toMatchObject({ type: 'events', id: '62515:12345:1:1564113600000', data: [event] })
    expect(read([{ ...event, attemptNumber: 3 }]).id).toBe(read([event]).id)
    for (const other of [{ eventId: 2 }, { subscriptionId: 2 }, { portalId: 2 }, { occurredAt: 2 }]) {
      expect(read([{ ...event, ...other }]).id).not.toBe(read([event]).id)
    }
    expect(read([event, { ...event, eventId: 2 }]).id).toBe('62515:12345:1:1564113600000,62515:12345:2:1564113600000')
    expect(read([{ ...event, eventId: undefined }])).not.toHaveProperty('id')
  })

  it('refuses to read what is no list of events', () => {
    for (const text of ['', 'null', '{}', '[1]', '[[]]']) {
      expect(codeOf(() => format.read(request({ 'x-hubspot-request-timestamp': '1' }, text)))).toBe('payload_invalid')
    }
  })

  it('sends the headers of version 3 and no other', async () => {
    const { headers } = await send(format, [secret], delivery())
    expect(headers).toEqual({
      'x-hubspot-request-timestamp': '1705314600000',
      'x-hubspot-signature-v3': expect.stringMatching(/^[\w+/]{43}=$/),
    })
  })
})
