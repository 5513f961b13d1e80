import nodeCryptoModule, { createHash, createHmac } from 'node:crypto'
import { type InboundFormat, Key, type Opened, platformCrypto, verifyRequest } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { inboundNodeCrypto, type NodeCrypto } from '../src/inbound-crypto.ts'
import { request, standingClock, utf8 } from './support.ts'

const mac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()
const [first, second, third] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

/** A format that finds in every request what it is told to. */
const finding = (opened: Opened): InboundFormat => ({
  name: 'finding',
  facts: { id: 'absent', sentAt: 'signed', body: 'signed', url: 'absent' },
  methods: ['POST', 'PATCH'],
  window: { maxAgeMs: 300_000, maxFutureMs: 300_000 },
  keys: () => [],
  open: () => opened,
  read: () => ({ type: 'a', data: null }),
})

const judge = async (
  opened: Opened,
  keys: readonly (readonly Uint8Array[])[],
  { now = 0, method = 'POST', crypto = platformCrypto() } = {},
) => {
  const sets = keys.map((all, i) => ({
    keyId: `secret-${i}`,
    keys: all.map((bytes) => new Key('hmac-sha256', bytes, 'verify')),
  }))
  return verifyRequest(finding(opened), sets, request({}, 'body', { method }), standingClock(now), crypto).catch(
    (error: { code: string }) => error.code,
  )
}
const proof = (text: string, ...keys: Uint8Array[]) => ({
  over: [[text]],
  given: keys.map((key) => ({ algorithm: 'hmac-sha256' as const, bytes: mac(key, text) })),
})

describe('a request', () => {
  it('is refused where its format finds nothing to prove, or nothing was given', async () => {
    expect(await judge({ proofs: [] }, [[first]])).toBe('signature_mismatch')
    expect(await judge({ proofs: [{ over: [['text']], given: [] }] }, [[first]])).toBe('signature_mismatch')
    expect(await judge({ proofs: [{ over: [], given: proof('text', first).given }] }, [[first]])).toBe(
      'signature_mismatch',
    )
  })

  it('is refused where there is no secret, or a secret without keys', async () => {
    expect(await judge({ proofs: [proof('text', first)] }, [])).toBe('signature_mismatch')
    expect(await judge({ proofs: [proof('text', first)] }, [[]])).toBe('signature_mismatch')
  })

  it('is proved by any of its signatures, under any key of any secret, over any of the alternatives', async () => {
    expect(await judge({ proofs: [proof('text', third, second)] }, [[first], [first, second]])).toBe('secret-1')
    const alternatives = { over: [['other'], ['te', utf8('xt')]], given: proof('text', first).given }
    expect(await judge({ proofs: [alternatives] }, [[first]])).toBe('secret-0')
  })

  it('needs all of its proofs, and all under one secret', async () => {
    const both = { proofs: [proof('head', first), proof('body', first)] }
    expect(await judge(both, [[first]])).toBe('secret-0')
    const mixed = { proofs: [proof('head', first), proof('body', second)] }
    expect(await judge(mixed, [[first], [second]])).toBe('signature_mismatch')
    expect(await judge(mixed, [[first, second]])).toBe('secret-0')
    expect(await judge({ proofs: [proof('head', first), { over: [['body']], given: [] }] }, [[first]])).toBe(
      'signature_mismatch',
    )
  })

  it('may bind its body by a hash without a key, beside a signature and never instead of one', async () => {
    const hash = {
      over: [['body']],
      given: [{ algorithm: 'sha256' as const, bytes: createHash('sha256').update('body').digest() }],
    }
    expect(await judge({ proofs: [proof('head', first), hash] }, [[first]])).toBe('secret-0')
    expect(await judge({ proofs: [proof('head', second), hash] }, [[first]])).toBe('signature_mismatch')
    const other = { ...hash, over: [['other']] }
    expect(await judge({ proofs: [proof('head', first), other] }, [[first]])).toBe('signature_mismatch')
  })

  it.each([
    ['longer', (bytes: Uint8Array) => Uint8Array.from([...bytes, 0])],
    ['shorter', (bytes: Uint8Array) => bytes.subarray(0, 31)],
    ['empty', () => new Uint8Array()],
    ['twice itself', (bytes: Uint8Array) => Uint8Array.from([...bytes, ...bytes])],
  ])('is refused with the right signature made %s', async (_, change) => {
    const given = [{ algorithm: 'hmac-sha256' as const, bytes: change(mac(first, 'text')) }]
    expect(await judge({ proofs: [{ over: [['text']], given }] }, [[first]])).toBe('signature_mismatch')
  })

  it('is refused with the right bytes under the name of another algorithm', async () => {
    for (const algorithm of ['hmac-sha1', 'hmac-sha512', 'sha256', 'token', 'ed25519'] as const) {
      const given = [{ algorithm, bytes: mac(first, 'text') }]
      expect(await judge({ proofs: [{ over: [['text']], given }] }, [[first]])).toBe('signature_mismatch')
    }
  })

  it('costs one computation a key, however many signatures it carries, and every key is tried whatever fitted before', async () => {
    let computed = 0
    const { hash: _hash, ...node } = nodeCryptoModule
    const crypto = inboundNodeCrypto({
      ...node,
      createHmac(...given: Parameters<typeof createHmac>) {
        computed++
        return createHmac(...given)
      },
    } as NodeCrypto)
    const junk = Array.from({ length: 15 }, (_, i) => new Uint8Array(32).fill(i + 10))
    const opened = { proofs: [proof('text', first, ...junk)] }
    expect(await judge(opened, [[first], [second], [third]], { crypto })).toBe('secret-0')
    expect(computed).toBe(3)
  })

  it('is refused by its method before anything is opened', async () => {
    expect(await judge({ proofs: [proof('text', first)] }, [[first]], { method: 'GET' })).toBe('method_not_allowed')
    expect(await judge({ proofs: [proof('text', first)] }, [[first]], { method: 'PATCH' })).toBe('secret-0')
  })

  it('is judged by its time only after its signature, in whole seconds, both ends allowed', async () => {
    const opened = (key: Uint8Array) => ({ proofs: [proof('text', key)], sentAt: new Date(1_000_999) })
    expect(await judge(opened(first), [[first]], { now: 1300.999 })).toBe('secret-0')
    expect(await judge(opened(first), [[first]], { now: 1301 })).toBe('timestamp_too_old')
    expect(await judge(opened(first), [[first]], { now: 700 })).toBe('secret-0')
    expect(await judge(opened(first), [[first]], { now: 699.999 })).toBe('timestamp_too_new')
    expect(await judge(opened(second), [[first]], { now: 9999 })).toBe('signature_mismatch')
  })
})
