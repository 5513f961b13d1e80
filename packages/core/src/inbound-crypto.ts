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
  const compute = (algorithm: string, key: Key | null, over: readonly Segment[]): Bytes => {
    if (algorithm === 'token') return (key as Key).bytes
    const small = key && algorithm === 'hmac-sha256' && smallHmac(node, key, over)
    if (small) return small
    const name = algorithm.replace('hmac-', '')
    const hash = key ? node.createHmac(name, key.bytes) : node.createHash(name)
    for (const segment of over) hash.update(segment)
    // A digest as text, made a Buffer by hand, costs half of one as a Buffer.
    return Buffer.from(hash.digest('latin1' as 'hex'), 'latin1')
  }
  return {
    sign: (algorithm, key, over) => Buffer.from(compute(algorithm, key, over)),
    verify: (algorithm, key, over, signatures) => oneEquals(compute(algorithm, key, over), algorithm, signatures),
  }
}

/** The block of SHA-256 and its digest, and the largest message that is worth a copy, in bytes. */
const BLOCK = 64
const DIGEST = 32
const SMALL = 4096

/** What is kept of a key: its inner and outer block, each with room for what is hashed behind it, and that of the digest. */
type Blocks = readonly [inner: Buffer, outer: Buffer, digest: Buffer]

/**
 * HMAC-SHA256 (RFC 2104) of a small message by two one-shot hashes, for keys of up to one block: an Hmac object alone
 * costs as much as hashing two kilobytes. The bytes hold until the next call.
 */
function smallHmac(node: NodeCrypto, key: Key, over: readonly Segment[]): Bytes | undefined {
  // A letter is at most three bytes.
  let most = 0
  for (const one of over) most += one.length * (typeof one === 'string' ? 3 : 1)
  if (!node.hash || most > SMALL || key.bytes.length > BLOCK) return undefined
  const [inner, outer, digest] = (key.native ??= blocksOf(key.bytes)) as Blocks
  let end = BLOCK
  for (const one of over) {
    if (typeof one !== 'string') inner.set(one, end)
    end += typeof one === 'string' ? inner.write(one, end) : one.length
  }
  outer.write(node.hash('sha256', inner.subarray(0, end), 'latin1' as 'hex'), BLOCK, 'latin1')
  digest.write(node.hash('sha256', outer, 'latin1' as 'hex'), 'latin1')
  return digest
}

function blocksOf(bytes: Bytes): Blocks {
  // What holds the key stays out of the pool that other Buffers share, which a host may hand to anyone.
  const padded = (fill: number, room: number) => {
    const block = Buffer.alloc(BLOCK + room)
    for (let i = 0; i < BLOCK; i++) block[i] = fill ^ (bytes[i] ?? 0)
    return block
  }
  return [padded(0x36, SMALL), padded(0x5c, DIGEST), Buffer.alloc(DIGEST)]
}
