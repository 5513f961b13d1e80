import nodeCryptoModule, { createHmac } from 'node:crypto'
import { type Algorithm, inboundCrypto, Key } from '@hooks/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inboundNodeCrypto, type NodeCrypto } from '../src/inbound-crypto.ts'
import { inboundWebCrypto } from '../src/web-crypto.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/** HMAC-SHA256 of RFC 4231, sections 4.2 to 4.4 and 4.7: key, message, MAC. */
const vectors: [Uint8Array, Uint8Array, string][] = [
  [
    new Uint8Array(20).fill(0x0b),
    bytes('Hi There'),
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  ],
  [
    bytes('Jefe'),
    bytes('what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    new Uint8Array(20).fill(0xaa),
    new Uint8Array(50).fill(0xdd),
    '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
  ],
  [
    new Uint8Array(131).fill(0xaa),
    bytes('Test Using Larger Than Block-Size Key - Hash Key First'),
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
]

const { hash: _hash, ...older } = nodeCryptoModule

describe.each([
  ['node:crypto', inboundNodeCrypto(nodeCryptoModule)],
  ['a node:crypto without one-shot hashes', inboundNodeCrypto(older as NodeCrypto)],
  ['Web Crypto', inboundWebCrypto(globalThis.crypto.subtle)],
])('the cryptography of receivers, with %s,', (_, crypto) => {
  it.each(vectors)('gives the MACs of RFC 4231', async (key, message, mac) => {
    expect(Buffer.from(await crypto.sign('hmac-sha256', new Key('hmac-sha256', key), [message])).toString('hex')).toBe(
      mac,
    )
  })

  it.each(['sha1', 'sha256', 'sha512'])('gives the HMAC-%s of Node.js, whatever the sizes', async (name) => {
    const algorithm = `hmac-${name}` as Algorithm
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 100 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(...[4095, 4096, 4097, 20_000].map((size) => new Uint8Array(size).fill(0x61))),
    )
    // One key for several messages: what is kept of it must stay as it was.
    const messages = fc.array(fc.array(piece, { maxLength: 3 }), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 140 }), messages, async (secret, all) => {
        const key = new Key(algorithm, secret)
        for (const over of all) {
          const expected = createHmac(name, secret)
          for (const one of over) expected.update(one)
          expect(Buffer.from(await crypto.sign(algorithm, key, over)).toString('hex')).toBe(expected.digest('hex'))
        }
      }),
      { numRuns: 150 },
    )
  })

  it('gives nothing for an algorithm that it does not have', async () => {
    const key = new Key('sha256-secret-first', bytes('key'))
    await expect(async () => crypto.sign('sha256-secret-first', key, ['x'])).rejects.toThrow()
  })
})

describe('the cryptography of receivers', () => {
  it('gives bytes that stay as they are when the next are made', () => {
    const crypto = inboundCrypto()
    const key = new Key('hmac-sha256', bytes('key'))
    const first = crypto.sign('hmac-sha256', key, ['1']) as Uint8Array
    const copy = Uint8Array.from(first)
    for (let i = 0; i < 1_000; i++) crypto.sign('hmac-sha256', key, [String(i)])
    expect(Uint8Array.from(first)).toEqual(copy)
  })
})
