import { createHmac } from 'node:crypto'
import { polar } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, outcomeOf, request } from '../support.ts'
import { formatLaw } from './law.ts'

// Polar publishes no signature with its secret. Requests of ours that @polar-sh/sdk accepts are in vectors/providers.json.
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const format = polar()

formatLaw('polar', format, secret, {
  signed: ['webhook-signature', 'webhook-id', 'webhook-timestamp'],
  other: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
  content: ({ message, sentAt }) => ({
    type: message.type,
    id: message.id,
    sentAt,
    occurredAt: message.occurredAt,
    data: { type: message.type, timestamp: message.occurredAt.toISOString(), ...JSON.parse(message.data) },
  }),
})

describe('polar', () => {
  const body = '{"type":"order.paid","timestamp":"2026-09-10T00:00:00Z","data":{"id":"1"}}'
  const now = 1_789_000_000
  const judged = (secret: string, ...keys: (string | Buffer)[]) => {
    const signatures = keys.map(
      (key) => `v1,${createHmac('sha256', key).update(`evt_1.${now}.${body}`).digest('base64')}`,
    )
    const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': `${now}`, 'webhook-signature': signatures.join(' ') }
    return outcomeOf({ format, secrets: [secret], now }, request(headers, body))
  }
  const bytes = Buffer.from(secret.slice(6), 'base64')

  it('accepts what is signed with a secret of 2026-09-08 or later: the bytes behind whsec_', async () => {
    expect(await judged(secret, bytes)).toBe('0')
  })

  it('accepts what is signed with an older secret: its text, prefix included', async () => {
    expect(await judged(secret, secret)).toBe('0')
    expect(await judged('polar_whs_0123456789abcdef', 'polar_whs_0123456789abcdef')).toBe('0')
    expect(await judged(secret, 'another', secret)).toBe('0')
  })

  it('accepts no third derivation', async () => {
    expect(await judged(secret, secret.slice(6))).toBe('signature_mismatch')
    expect(await judged(secret, Buffer.from(secret).toString('base64'))).toBe('signature_mismatch')
    expect(await judged(secret, '')).toBe('signature_mismatch')
  })

  it('takes no short bytes for a key: base64 of less than 24 is text', async () => {
    const short = `whsec_${Buffer.alloc(16, 1).toString('base64')}`
    expect(await judged(short, Buffer.alloc(16, 1))).toBe('signature_mismatch')
    expect(await judged(short, short)).toBe('0')
    expect(codeOf(() => format.keys('whsec_', 'verify'))).toBe('secret_too_short')
  })
})
