import { sanity } from '@hooks/core/formats'
import { describe, expect, it } from 'vitest'
import { codeOf, delivery, request, send } from '../support.ts'
import { formatLaw } from './law.ts'
import { judgePublished } from './published.ts'

const format = sanity()

formatLaw('sanity', format, 'a secret of its owner', { signed: ['sanity-webhook-signature'] })

describe('sanity', () => {
  // test/signature.test.ts of @sanity/webhook@4.0.4
  const good = 't=1633519811129,v1=tLa470fx7qkLLEcMOcEUFuBbRSkGujyskxrNXcoh0N0'
  it.each([
    ['valid signatures', good, '{"_id":"resume"}', 'test', '0'],
    ['a space in the header', good.replace(',', ', '), '{"_id":"resume"}', 'test', '0'],
    [
      'encodes signatures',
      't=1633518820676,v1=e7C9h2sfbFfc4V7TEz7PSOp4IoNzl0UdVsBV-1wgdeA',
      '{"title":"GROQ-Hooks are neat"}',
      'try-me',
      '0',
    ],
    ['timestamp', good.replace('129', '128'), '{"_id":"resume"}', 'test', 'signature_mismatch'],
    ['hash', good.replace('N0N0', 'N0N1').replace('0N0', '0N1'), '{"_id":"resume"}', 'test', 'signature_mismatch'],
    ['payload', good, '{"_id":"structure"}', 'test', 'signature_mismatch'],
    ['version', good.replace('v1', 'v5'), '{"_id":"resume"}', 'test', 'signature_mismatch'],
    ['no signature', 't=1633519811129', '{"_id":"resume"}', 'test', 'signature_mismatch'],
    ['no time', good.slice(16), '{"_id":"resume"}', 'test', 'malformed_header'],
  ])('judges as @sanity/webhook: %s', async (_, header, body, secret, outcome) => {
    const received = request({ 'sanity-webhook-signature': header }, body)
    const now = Math.floor(Number(/\d{13}/.exec(header)?.[0] ?? 0) / 1000)
    expect(await judgePublished(format, secret, received, now)).toBe(outcome)
  })

  it('takes base64url without padding and no other spelling', async () => {
    const padded = request({ 'sanity-webhook-signature': `${good}=` }, '{"_id":"resume"}')
    expect(await judgePublished(format, 'test', padded, 1_633_519_811)).toBe('signature_mismatch')
    const { headers } = await send(format, ['a secret of its owner'], delivery())
    expect(headers['sanity-webhook-signature']).toMatch(/^t=1705314600000,v1=[\w-]{43}$/)
  })

  it('reads operation and id from the headers, and the projection, whatever it is, from the body', () => {
    const headers = {
      'sanity-webhook-signature': good,
      'sanity-operation': 'update',
      'idempotency-key': 'd3f0d8b0-1',
    }
    for (const projection of [{ _id: 'resume' }, 'resume', 7, true, [1]]) {
      expect(format.read(request(headers, JSON.stringify(projection)))).toEqual({
        type: 'update',
        id: 'd3f0d8b0-1',
        sentAt: new Date(1_633_519_811_129),
        data: projection,
      })
    }
    expect(format.facts).toEqual({ id: 'unsigned', sentAt: 'signed', body: 'signed', url: 'absent' })
  })

  it('takes secrets of at least 8 bytes: their owner chooses them', () => {
    expect(codeOf(() => format.keys('1234567', 'verify'))).toBe('secret_too_short')
    expect(format.keys('12345678', 'verify')).toHaveLength(1)
  })
})
