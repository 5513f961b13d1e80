import { generateKeyPairSync } from 'node:crypto'
import { telnyx } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'

// The key pair of RFC 8032, 7.1, test 1.
const publicKey = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='
const privateKey = 'whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A='
const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
const format = telnyx()

formatLaw('telnyx', format, publicKey, {
  signed: ['telnyx-signature-ed25519', 'telnyx-timestamp'],
  sign: privateKey,
  other: other.toString('base64'),
  content: ({ message, sentAt }) => ({
    type: message.type,
    id: message.id,
    sentAt,
    occurredAt: message.occurredAt,
    data: {
      data: {
        record_type: 'event',
        event_type: message.type,
        id: message.id,
        occurred_at: message.occurredAt.toISOString(),
        payload: JSON.parse(message.data),
      },
    },
  }),
})

describe('telnyx', () => {
  // Telnyx publishes no vector: its SDKs' tests make keys at run time. This one is of the key above, and telnyx@7.24.0
  // (`new TelnyxWebhook(publicKey).verify(body, headers)`) accepted it and refused the body with a space more.
  const body =
    '{"data":{"id":"0ccc7b54-4df3-4bca-a65a-3da1ecc777f0","event_type":"call.ai_gather.ended","occurred_at":"2018-02-02T22:25:27.521992Z","payload":{"text":"àáâ 中文 🚀"},"record_type":"event"},"meta":{"attempt":1,"delivered_to":"https://example.com/hooks"}}'
  const headers = {
    'Telnyx-Signature-Ed25519':
      'L2dtKSwjm2wwN8Yt/r4egGsqngv/6pCgpJQtBqbm1smMAjbSMg1fEU8gojty2wPyfaTNrGPPBGCTifasmLHuAg==',
    'Telnyx-Timestamp': '1517610327',
  }
  const judge = (text: string, changed: Record<string, string> = {}, now = 1_517_610_327) =>
    outcomeOf({ format, secrets: [publicKey], now }, request({ ...headers, ...changed }, text))

  it('judges as the telnyx SDK', async () => {
    expect(await judge(body)).toBe('0')
    expect(await judge(`${body} `)).toBe('signature_mismatch')
    expect(await judge(body, { 'Telnyx-Timestamp': '1517610328' })).toBe('signature_mismatch')
    expect(await judge(body, { 'Telnyx-Signature-Ed25519': 'invalid_signature' })).toBe('signature_mismatch')
    expect(await judge(body, { 'Telnyx-Timestamp': 'invalid_timestamp' })).toBe('malformed_timestamp')
    expect(await judge(body, { 'Telnyx-Signature-Ed25519': '' })).toBe('missing_header')
    expect(await judge(body, {}, 1_517_610_628)).toBe('timestamp_too_old')
    expect(await judge(body, {}, 1_517_610_026)).toBe('timestamp_too_new')
  })

  it('decodes no signature that is too long for one', async () => {
    expect(await judge(body, { 'Telnyx-Signature-Ed25519': 'A'.repeat(2 ** 20) })).toBe('signature_mismatch')
    expect(await judge(body, { 'Telnyx-Signature-Ed25519': 'A'.repeat(88) })).toBe('signature_mismatch')
  })

  it('reads type, id, time and attempt from the body, and gives it whole', () => {
    expect(format.read(request(headers, body))).toEqual({
      type: 'call.ai_gather.ended',
      id: '0ccc7b54-4df3-4bca-a65a-3da1ecc777f0',
      occurredAt: new Date('2018-02-02T22:25:27.521Z'),
      sentAt: new Date(1_517_610_327_000),
      attempt: 1,
      data: JSON.parse(body),
    })
    for (const text of ['', 'null', '[]', '{}', '{"data":null}', '{"data":{"event_type":1}}']) {
      expect(codeOf(() => format.read(request(headers, text)))).toBe('payload_invalid')
    }
  })

  it('verifies with a public key, and signs with a private one that cannot be taken for it', () => {
    expect(codeOf(() => format.keys(publicKey, 'sign'))).toBe('secret_type')
    expect(codeOf(() => format.keys(privateKey, 'verify'))).toBe('secret_type')
    for (const secret of ['a secret text', 'AAAA', publicKey.slice(0, -1), `${publicKey}AAAA`]) {
      expect(codeOf(() => format.keys(secret, 'verify'))).toBe('secret_format')
    }
    expect(format.keys(format.newSecret(new Uint8Array(32).fill(1)), 'sign')).toMatchObject([{ use: 'sign' }])
  })
})
