import type { webcrypto } from 'node:crypto'
import { joinBytes } from './encoding.ts'
import type { Algorithm, CryptoBackend, Key } from './format.ts'

export type NodeCrypto = typeof import('node:crypto')
export type Subtle = webcrypto.SubtleCrypto

/** The header of an Ed25519 public key in DER: RFC 8410 section 4, then the 32 bytes. */
const SPKI = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]

/** Algorithms whose signature cannot be computed by who verifies it. */
export function isAsymmetric(algorithm: Algorithm): boolean {
  return algorithm === 'ed25519' || algorithm === 'ecdsa-p256-sha256'
}

/** `node:crypto`, which is synchronous, where the platform has it: Node.js, Bun, Deno, Workers with compatibility. */
export function builtinCrypto(): NodeCrypto | undefined {
  return (globalThis as { process?: NodeJS.Process }).process?.getBuiltinModule?.('node:crypto')
}

/**
 * The part of `platformCrypto` that most receivers need: HMAC, SHA-256, tokens, and the comparison of Ed25519. It has
 * no other algorithm: a signature of one never holds. A format that needs another names its `crypto`.
 */
export function inboundCrypto(): CryptoBackend {
  const node = builtinCrypto()
  return node ? inboundNodeCrypto(node) : inboundWebCrypto(globalThis.crypto.subtle)
}

export function inboundNodeCrypto(node: NodeCrypto): CryptoBackend {
  return {
    sign(algorithm, key, over) {
      if (algorithm === 'token') return (key as Key).bytes
      const name = algorithm.replace('hmac-', '')
      const hash = key ? node.createHmac(name, key.bytes) : node.createHash(name)
      for (const segment of over) hash.update(segment)
      // A digest as text, made a Buffer by hand, costs half of one as a Buffer.
      return Buffer.from(hash.digest('latin1' as 'hex'), 'latin1')
    },
    verify(_, key, over, signature) {
      const made = (key.native ??= node.createPublicKey({
        key: Buffer.from([...SPKI, ...key.bytes]),
        format: 'der',
        type: 'spki',
      })) as ReturnType<NodeCrypto['createPublicKey']>
      return node.verify(null, joinBytes(over), made, signature)
    },
  }
}

export function inboundWebCrypto(subtle: Subtle): CryptoBackend {
  const imported = (key: Key, algorithm: string | { name: string; hash: string }, usage: 'sign' | 'verify') =>
    (key.native ??= subtle.importKey('raw', Uint8Array.from(key.bytes), algorithm, false, [usage])) as ReturnType<
      Subtle['importKey']
    >
  return {
    async sign(algorithm, key, over) {
      if (algorithm === 'token') return (key as Key).bytes
      const hash = algorithm.replace(/(hmac-)?sha/, 'SHA-')
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
