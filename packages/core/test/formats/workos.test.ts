import { workos } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'
import { judgePublished } from './published.ts'

const secret = 'whsec_test_workos_signing_secret'
const format = workos()

formatLaw('workos', format, secret, {
  signed: ['workos-signature'],
  spellings: ['workos-signature'],
  content: ({ message, sentAt }) => ({
    type: message.type,
    id: message.id,
    sentAt,
    occurredAt: message.occurredAt,
    data: {
      id: message.id,
      event: message.type,
      data: JSON.parse(message.data),
      created_at: message.occurredAt.toISOString(),
    },
  }),
})

describe('workos', () => {
  // WorkOS publishes no vector: its SDKs' tests sign at run time. These were made with
  // `workos.webhooks.computeSignature('1626125972272', body, secret)` of @workos-inc/node@11.0.0.
  const body =
    '{"id":"wh_123","event":"dsync.user.created","data":{"id":"directory_user_01FAEAJCR3ZBZ30D8BD1924TVG","state":"active","object":"directory_user"},"created_at":"2021-07-12T21:39:32.000Z"}'
  const made = 't=1626125972272, v1=92a58be603b9be9608620baf81c1a87e5d8c609ad7f55a1d001c697f1f64b431'
  const now = 1_626_125_972

  it('accepts what @workos-inc/node signs, with a space behind the comma and without', async () => {
    for (const header of [made, made.replace(' ', '')]) {
      const received = request({ 'WorkOS-Signature': header }, body)
      expect(await outcomeOf({ format, secrets: [secret], now }, received)).toBe('0')
    }
    const short = 't=1626125972272, v1=ace07eedcfbdf2bc4e9023487a9cb9b0a34f5779fae815fc45b24ef78267e8ab'
    expect(await judgePublished(format, 'secret', request({ 'workos-signature': short }, body), now)).toBe('0')
  })

  it('takes the time for milliseconds: seconds are of 1970', async () => {
    const received = request({ 'workos-signature': made.replace(/2272,/, ',') }, body)
    expect(format.open(received).sentAt).toEqual(new Date(162_612_597))
  })

  it('allows three minutes, as the SDK does, and bounds the future too', async () => {
    const received = request({ 'workos-signature': made }, body)
    const at = (seconds: number) => outcomeOf({ format, secrets: [secret], now: now + seconds }, received)
    expect([await at(180), await at(181), await at(-180), await at(-181)]).toEqual([
      '0',
      'timestamp_too_old',
      '0',
      'timestamp_too_new',
    ])
  })

  it('reads type, id and time from the body, and gives it whole', () => {
    expect(format.read(request({ 'workos-signature': made }, body))).toEqual({
      type: 'dsync.user.created',
      id: 'wh_123',
      occurredAt: new Date('2021-07-12T21:39:32Z'),
      sentAt: new Date(1_626_125_972_272),
      data: JSON.parse(body),
    })
    expect(codeOf(() => format.read(request({ 'workos-signature': made }, '{"id":"wh_123"}')))).toBe('payload_invalid')
  })
})
