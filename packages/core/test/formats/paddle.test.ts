import { paddle } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, outcomeOf, request, send } from '../support.ts'
import { formatLaw } from './law.ts'
import { judgePublished } from './published.ts'

const secret = 'pdl_ntfset_01hkv7pcq5c04qhf6mf4ssa1gv_Yt7Gkz'
const format = paddle()

formatLaw('paddle', format, secret, {
  signed: ['paddle-signature'],
  spellings: ['paddle-signature'],
  content: ({ message, sentAt }) => ({
    type: message.type,
    id: message.id,
    sentAt,
    occurredAt: message.occurredAt,
    data: {
      event_id: message.id,
      event_type: message.type,
      occurred_at: message.occurredAt.toISOString(),
      data: JSON.parse(message.data),
    },
  }),
})

describe('paddle', () => {
  // src/__tests__/notifications/webhooks-validator.node.test.ts of @paddle/paddle-node-sdk@3.10.0, at its time and within
  // its 5 seconds.
  const one = 'ts=1698796800;h1=a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43f9'
  const two = '28981e941fae76e53db32f3d2a83cb69db41476595e84e1970a1b5d98f62b261'
  it.each([
    ['Valid signature', '{"data": ["1", "2"]}', one, 'VALID_SECRET', '0'],
    [
      'Valid signature with multiple hashes',
      '{"data": "value"}',
      `ts=1698796800;h1=${two};h1=${two};h2=RANDOM_HASH`,
      'VALID_SECRET',
      '0',
    ],
    ['Invalid secret', '{"data": ["1", "2"]}', one, 'INVALID_VALID_SECRET', 'signature_mismatch'],
    ['Invalid timestamp', '{"data": ["1", "2"]}', one.replace(/\d+/, '9876'), 'VALID_SECRET', 'signature_mismatch'],
    ['Invalid data - has more space', '{ "data": [ "1", "2" ]}', one, 'VALID_SECRET', 'signature_mismatch'],
    ['Invalid signature', '{"data": ["1", "2"]}', 'ts=1234;h1=invalid_signature', 'VALID_SECRET', 'signature_mismatch'],
    ['Missing TS and H1', '{"data": ["1", "2"]}', 'invalid_header', 'VALID_SECRET', 'malformed_header'],
    ['Missing TS', '{"data": ["1", "2"]}', 'h1=invalid_header', 'VALID_SECRET', 'malformed_header'],
    ['Missing H1', '{"data": ["1", "2"]}', 'ts=1234;h2=invalid_header', 'VALID_SECRET', 'signature_mismatch'],
  ])('judges as @paddle/paddle-node-sdk: %s', async (_, body, header, key, outcome) => {
    const received = request({ 'paddle-signature': header }, body)
    expect(await judgePublished(format, key, received, 1_698_796_800)).toBe(outcome)
  })

  it('allows five minutes where the SDK allows five seconds, and bounds the future', async () => {
    const received = request({ 'paddle-signature': one }, '{"data": ["1", "2"]}')
    const at = (seconds: number) => judgePublished(format, 'VALID_SECRET', received, 1_698_796_800 + seconds)
    expect([await at(6), await at(300), await at(301), await at(-301)]).toEqual([
      '0',
      '0',
      'timestamp_too_old',
      'timestamp_too_new',
    ])
  })

  it('signs with every live secret during a rotation, and accepts either', async () => {
    const other = 'pdl_ntfset_01hkv7pcq5c04qhf6mf4ssa1gv_another'
    const { headers, body } = await send(format, [other, secret], delivery())
    expect(String(headers['paddle-signature'])).toMatch(/^ts=\d+;h1=[0-9a-f]{64};h1=[0-9a-f]{64}$/)
    for (const one of [secret, other]) {
      expect(await outcomeOf({ format, secrets: [one], now: 1_705_314_600 }, request(headers, body))).toBe('0')
    }
  })

  it('reads type, id and time from the body, and gives it whole; a time may have microseconds', () => {
    const notification = {
      event_id: 'evt_01hv8wptq8987qeep44cyrewp9',
      event_type: 'transaction.completed',
      occurred_at: '2024-04-12T10:18:49.621022Z',
      notification_id: 'ntf_01hv8wpttdjvqbjawpbcf2qrfn',
      data: { id: 'txn_1' },
    }
    expect(format.read(request({ 'paddle-signature': one }, JSON.stringify(notification)))).toEqual({
      type: 'transaction.completed',
      id: 'evt_01hv8wptq8987qeep44cyrewp9',
      occurredAt: new Date('2024-04-12T10:18:49.621Z'),
      sentAt: new Date(1_698_796_800_000),
      data: notification,
    })
  })

  it('refuses to read a body without type or id', () => {
    for (const body of ['{}', '[]', 'null', '{"event_type":"x"}', '{"event_id":"x"}', '']) {
      expect(codeOf(() => format.read(request({ 'paddle-signature': one }, body)))).toBe('payload_invalid')
    }
  })
})
