import { oneEquals } from './compare.ts'
import type { CryptoBackend, Key, Segment } from './format.ts'
import type { Bytes } from './seams.ts'
import { inboundWebCrypto } from './web-crypto.ts'

export type NodeCrypto = typeof import('node:crypto')

/** `node:crypto`, which is synchronous, where the platform has it: Node.js, Bun, Deno, Workers with compatibility. */
export function builtinCrypto(): NodeCrypto | undefined {
  return (globalThis as { process?: NodeJS.Process }).process?.getBuiltinModule?.('node:crypto')
}

/**
 * The part of `platformCrypto` that most receivers need: HMAC, SHA-256 and tokens. Asked for another algorithm it
 * throws: a format that needs one names its `crypto`.
 */
export function inboundCrypto(): CryptoBackend {
  const node = builtinCrypto()
  return node ? inboundNodeCrypto(node) : inboundWebCrypto()
}

export function inboundNodeCrypto(node: NodeCrypto): CryptoBackend & { sign(...given: never): Bytes } {
  const sign = (algorithm: string, key: Key | null, over: readonly Segment[]): Bytes => {
    if (algorithm === 'token') return (key as Key).bytes
    const small = key && algorithm === 'hmac-sha256' && smallHmac(node, key, over)
    if (small) return small
    const name = algorithm.replace('hmac-', '')
    const hash = key ? node.createHmac(name, key.bytes) : node.createHash(name)
    for (const segment of over) hash.update(segment)
    return fromLatin1(hash.digest('latin1' as 'hex'))
  }
  return {
    sign,
    verify: (algorithm, key, over, signatures) => oneEquals(sign(algorithm, key, over), algorithm, signatures),
  }
}

/** A digest as text, made a Buffer by hand, costs half of one as a Buffer. */
const fromLatin1 = (text: string) => Buffer.from(text, 'latin1')

/** The block of SHA-256, and the largest message that is worth a copy, in bytes. */
const BLOCK = 64
const SMALL = 4096

/**
 * HMAC-SHA256 (RFC 2104) of a small message by two one-shot hashes, for keys of up to one block: an Hmac object alone
 * costs as much as hashing two kilobytes.
 */
function smallHmac(node: NodeCrypto, key: Key, over: readonly Segment[]): Bytes | undefined {
  const { bytes } = key
  // A letter is at most three bytes.
  const most = over.reduce((sum, one) => sum + one.length * (typeof one === 'string' ? 3 : 1), 0)
  if (!node.hash || bytes.length > BLOCK || most > SMALL) return undefined
  // What holds the key stays out of the pool that other Buffers share, which a host may hand to anyone.
  const padded = (fill: number, room: number) => {
    const block = Buffer.alloc(BLOCK + room)
    for (let i = 0; i < BLOCK; i++) block[i] = fill ^ (bytes[i] ?? 0)
    return block
  }
  const [inner, outer] = (key.native ??= [padded(0x36, SMALL), padded(0x5c, 32)]) as [Buffer, Buffer]
  let end = BLOCK
  for (const one of over) {
    if (typeof one !== 'string') inner.set(one, end)
    end += typeof one === 'string' ? inner.write(one, end) : one.length
  }
  const hash = (message: Bytes) => node.hash('sha256', message, 'latin1' as 'hex')
  outer.write(hash(inner.subarray(0, end)), BLOCK, 'latin1')
  return fromLatin1(hash(outer))
}
