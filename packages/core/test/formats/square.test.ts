import { square } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'
import { judgePublished } from './published.ts'

const format = square()

formatLaw('square', format, 'Ibxx_5AKakO-3qeNVR61Dw', {
  signed: ['x-square-hmacsha256-signature'],
  content: ({ message }) => ({
    type: message.type,
    id: message.id,
    tenant: message.tenant,
    occurredAt: message.occurredAt,
    data: {
      merchant_id: message.tenant,
      type: message.type,
      event_id: message.id,
      created_at: message.occurredAt.toISOString(),
      data: JSON.parse(message.data),
    },
  }),
})

describe('square', () => {
  // tests/integration/webhooks.test.ts of square@46.0.0
  const body =
    '{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}'
  const signature = 'GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4='
  const key = 'Ibxx_5AKakO-3qeNVR61Dw'
  const url = 'https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9'
  const judge = (change: { url?: string; body?: string; signature?: string; key?: string }) =>
    outcomeOf(
      { format, secrets: [change.key ?? key], now: 0 },
      request({ 'x-square-hmacsha256-signature': change.signature ?? signature }, change.body ?? body, {
        url: change.url ?? url,
      }),
    )

  it.each<[string, Parameters<typeof judge>[0], string]>([
    ['validation pass', {}, '0'],
    ['notification url mismatch', { url: url.replace('/6', '/') }, 'signature_mismatch'],
    ['invalid signature key', { key: 'MCmhFRxGX82xMwg5FsaoQA' }, 'signature_mismatch'],
    ['invalid signature header', { signature: '1z2n3DEJJiUPKcPzQo1ftvbxGdw=' }, 'signature_mismatch'],
    ['request body mismatch', { body: body.replace('2022-07', '2022-06') }, 'signature_mismatch'],
    ['request body formatted', { body: JSON.stringify(JSON.parse(body), null, 4) }, 'signature_mismatch'],
    ['a slash behind the URL', { url: `${url}/` }, 'signature_mismatch'],
  ])('judges as the SDK: %s', async (_, change, outcome) => {
    expect(await judge(change)).toBe(outcome)
  })

  it.each([
    ['{"data":{"type":"webhooks","id":"fake_id"}}', 'W3FlCNk5IA3ZQ2LHTWoajvzfaDu/OwY2tNHIHC3IUOA='],
    ['{"data":{"type":"webhooks","id":">id<"}}', 'Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U='],
  ])('accepts as the SDK, escapes or not: %s', async (text, given) => {
    const received = request({ 'x-square-hmacsha256-signature': given }, text, { url: 'https://webhook.site/webhooks' })
    expect(await judgePublished(format, 'signature-key', received)).toBe('0')
  })

  it('reads type, id, merchant and time from the body, and gives it whole', () => {
    expect(format.read(request({}, body))).toEqual({
      type: 'webhooks.test_notification',
      id: 'ac3ac95b-f97d-458c-a6e6-18981597e05f',
      tenant: 'MLEFBHHSJGVHD',
      occurredAt: new Date('2022-07-13T20:30:59.037Z'),
      data: JSON.parse(body),
    })
  })

  it('signs no time, and says so', () => {
    expect(format.window).toBeNull()
    expect(format.facts).toEqual({ id: 'signed', sentAt: 'absent', body: 'signed', url: 'signed' })
  })
})
