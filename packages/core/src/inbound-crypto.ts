import type { KeyObject, webcrypto } from 'node:crypto'
import { joinBytes } from './encoding.ts'
import type { Algorithm, CryptoBackend, Key, Segment } from './format.ts'
import type { Bytes } from './seams.ts'

export type NodeCrypto = typeof import('node:crypto')
export type Subtle = webcrypto.SubtleCrypto

/** The header of an Ed25519 public key in DER: RFC 8410 section 4, then the 32 bytes. */
const SPKI = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]

/** The hash underneath. */
const HASHES: Readonly<Record<string, string>> = {
  sha256: 'sha256',
  'hmac-sha1': 'sha1',
  'hmac-sha256': 'sha256',
  'hmac-sha512': 'sha512',
}

/** Algorithms whose signature cannot be computed by who verifies it. */
export function isAsymmetric(algorithm: Algorithm): boolean {
  return algorithm === 'ed25519' || algorithm === 'ecdsa-p256-sha256'
}

/** `node:crypto`, which is synchronous, where the platform has it: Node.js, Bun, Deno, Workers with compatibility. */
export function builtinCrypto(): NodeCrypto | undefined {
  return (globalThis as { process?: NodeJS.Process }).process?.getBuiltinModule?.('node:crypto')
}

/**
 * The part of `platformCrypto` that most receivers need: HMAC, SHA-256, tokens, and the comparison of Ed25519. Asked
 * for another algorithm it throws: a format that needs one names its `crypto`.
 */
export function inboundCrypto(): CryptoBackend {
  const node = builtinCrypto()
  return node ? inboundNodeCrypto(node) : inboundWebCrypto(globalThis.crypto.subtle)
}

export function inboundNodeCrypto(node: NodeCrypto): CryptoBackend {
  return {
    sign(algorithm, key, over) {
      if (algorithm === 'token') return (key as Key).bytes
      const small = key && algorithm === 'hmac-sha256' && smallHmac(node, key, over)
      if (small) return small
      const name = HASHES[algorithm] as string
      const hash = key ? node.createHmac(name, key.bytes) : node.createHash(name)
      for (const segment of over) hash.update(segment)
      return fromLatin1(hash.digest('latin1' as 'hex'))
    },
    verify(_, key, over, signature) {
      const made = (key.native ??= node.createPublicKey({
        key: Buffer.from([...SPKI, ...key.bytes]),
        format: 'der',
        type: 'spki',
      })) as KeyObject
      return node.verify(null, joinBytes(over), made, signature)
    },
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

export function inboundWebCrypto(subtle: Subtle): CryptoBackend {
  const imported = (key: Key, algorithm: string | { name: string; hash: string }, usage: 'sign' | 'verify') =>
    (key.native ??= subtle.importKey('raw', Uint8Array.from(key.bytes), algorithm, false, [usage])) as ReturnType<
      Subtle['importKey']
    >
  return {
    async sign(algorithm, key, over) {
      if (algorithm === 'token') return (key as Key).bytes
      const hash = `SHA-${HASHES[algorithm]?.slice(3)}`
      const bytes = joinBytes(over)
      const made = key
        ? subtle.sign('HMAC', await imported(key, { name: 'HMAC', hash }, 'sign'), bytes)
        : subtle.digest(hash, bytes)
      return new Uint8Array(await made)
    },
    async verify(_, key, over, signature) {
      const made = await imported(key, 'Ed25519', 'verify')
      return subtle.verify('Ed25519', made, Uint8Array.from(signature), joinBytes(over))
    },
  }
}
