import type { webcrypto } from 'node:crypto'
import { joinBytes } from './encoding.ts'
import type { Algorithm, Crypto, Key, Segment } from './format.ts'
import type { Bytes, MaybePromise } from './seams.ts'

/** What {@link Crypto} signs with, and the comparison of an asymmetric signature, which only core makes. */
export interface CryptoBackend extends Crypto {
  /** Whether `signature` is one of `over` by the private half of `key`. */
  verify(algorithm: Algorithm, key: Key, over: readonly Segment[], signature: Bytes): MaybePromise<boolean>
}

type NodeCrypto = typeof import('node:crypto')
type CryptoKey = webcrypto.CryptoKey

/** Algorithms whose signature cannot be computed by who verifies it. */
export function isAsymmetric(algorithm: Algorithm): boolean {
  return algorithm === 'ed25519' || algorithm === 'ecdsa-p256-sha256'
}

/**
 * The platform's cryptography: `node:crypto`, which is synchronous, where `process.getBuiltinModule` gives it
 * (Node.js, Bun, Deno, Workers with compatibility), Web Crypto elsewhere. Both give the same bytes.
 */
export function platformCrypto(): CryptoBackend {
  const node = (globalThis as { process?: NodeJS.Process }).process?.getBuiltinModule?.('node:crypto')
  return node ? nodeCrypto(node) : webCrypto(globalThis.crypto.subtle)
}

/** DER headers of an Ed25519 key: RFC 8410 section 7, then the 32 bytes. */
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]
const SPKI = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]

/** An Ed25519 key of 32 bytes in DER; a P-256 key comes in DER already. */
function der({ algorithm, bytes }: Key, header: readonly number[]): Uint8Array<ArrayBuffer> {
  return algorithm === 'ed25519' ? Uint8Array.from([...header, ...bytes.subarray(0, 32)]) : Uint8Array.from(bytes)
}

/** The hash underneath, as Node.js spells it. */
function hashOf(algorithm: Algorithm): string {
  return algorithm === 'hmac-sha1' ? 'sha1' : algorithm === 'hmac-sha512' ? 'sha512' : 'sha256'
}

/** What is hashed: a plain hash takes its secret from among the bytes. */
function hashed(algorithm: Algorithm, key: Key | null, over: readonly Segment[]): readonly Segment[] {
  const secret = (key as Key)?.bytes
  if (algorithm === 'sha256-secret-first') return [secret, ...over]
  return algorithm === 'sha256-secret-last' ? [...over, secret] : over
}

export function nodeCrypto(node: NodeCrypto): CryptoBackend {
  return {
    sign(algorithm, key, over) {
      if (algorithm === 'token') return (key as Key).bytes
      if (isAsymmetric(algorithm)) {
        const made = ((key as Key).native ??= node.createPrivateKey({
          key: Buffer.from(der(key as Key, PKCS8)),
          format: 'der',
          type: 'pkcs8',
        })) as ReturnType<NodeCrypto['createPrivateKey']>
        return node.sign(algorithm === 'ed25519' ? null : 'sha256', joinBytes(over), { key: made, dsaEncoding: 'ieee-p1363' })
      }
      const hash = algorithm.startsWith('hmac')
        ? node.createHmac(hashOf(algorithm), (key as Key).bytes)
        : node.createHash(hashOf(algorithm))
      for (const segment of hashed(algorithm, key, over)) hash.update(segment)
      // A digest as text costs half of one as a Buffer, and its Buffer is made in no time.
      return Buffer.from(hash.digest('latin1' as 'hex'), 'latin1')
    },
    verify(algorithm, key, over, signature) {
      try {
        const made = (key.native ??= node.createPublicKey({
          key: Buffer.from(der(key, SPKI)),
          format: 'der',
          type: 'spki',
        })) as ReturnType<NodeCrypto['createPublicKey']>
        return node.verify(algorithm === 'ed25519' ? null : 'sha256', joinBytes(over), { key: made, dsaEncoding: 'ieee-p1363' }, signature)
      } catch {
        return false
      }
    },
  }
}

export function webCrypto(subtle: webcrypto.SubtleCrypto): CryptoBackend {
  const imported = (key: Key, format: 'raw' | 'pkcs8' | 'spki', bytes: Bytes, usage: 'sign' | 'verify') =>
    (key.native ??= subtle.importKey(format as 'raw', Uint8Array.from(bytes), parameters(key.algorithm), false, [
      usage,
    ])) as Promise<CryptoKey>
  return {
    async sign(algorithm, key, over) {
      if (algorithm === 'token') return (key as Key).bytes
      const bytes = joinBytes(hashed(algorithm, key, over))
      const parameter = parameters(algorithm)
      if (typeof parameter === 'string' && algorithm !== 'ed25519') return new Uint8Array(await subtle.digest(parameter, bytes))
      const made = isAsymmetric(algorithm)
        ? imported(key as Key, 'pkcs8', der(key as Key, PKCS8), 'sign')
        : imported(key as Key, 'raw', (key as Key).bytes, 'sign')
      return new Uint8Array(await subtle.sign(parameter, await made, bytes))
    },
    async verify(algorithm, key, over, signature) {
      try {
        const made = await imported(key, 'spki', der(key, SPKI), 'verify')
        return await subtle.verify(parameters(algorithm), made, Uint8Array.from(signature), joinBytes(over))
      } catch {
        return false
      }
    },
  }
}

/** What Web Crypto calls an algorithm: a plain hash by its name alone. */
function parameters(algorithm: Algorithm) {
  const hash = hashOf(algorithm).replace('sha', 'SHA-')
  if (algorithm === 'ed25519') return 'Ed25519'
  if (algorithm.startsWith('hmac')) return { name: 'HMAC', hash }
  return isAsymmetric(algorithm) ? { name: 'ECDSA', namedCurve: 'P-256', hash } : hash
}
