import type { KeyObject } from 'node:crypto'
import { oneEquals } from './compare.ts'
import { joinBytes } from './encoding.ts'
import type { Algorithm, Candidate, CryptoBackend, Key, Segment } from './format.ts'
import { builtinCrypto, inboundNodeCrypto, type NodeCrypto } from './inbound-crypto.ts'
import type { Bytes } from './seams.ts'
import { inboundWebCrypto, type Subtle } from './web-crypto.ts'

/**
 * The platform's cryptography, all of it: `node:crypto`, which is synchronous, where `process.getBuiltinModule` gives
 * it (Node.js, Bun, Deno, Workers with compatibility), Web Crypto elsewhere. Both give the same bytes.
 */
export function platformCrypto(): CryptoBackend {
  const node = builtinCrypto()
  return node ? nodeCrypto(node) : webCrypto(globalThis.crypto.subtle)
}

/** Algorithms whose signature cannot be computed by who verifies it. */
export function isAsymmetric(algorithm: Algorithm): boolean {
  return algorithm === 'ed25519' || algorithm === 'ecdsa-p256-sha256'
}

/** DER headers of Ed25519 keys, private (RFC 8410 section 7) and public (section 4). The 32 bytes follow. */
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]
const SPKI = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]

/** A private key in DER: Ed25519 from its 32 bytes (of 64, the first half), P-256 as it comes. */
function pkcs8({ algorithm, bytes }: Key): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(algorithm === 'ed25519' ? [...PKCS8, ...bytes.subarray(0, 32)] : bytes)
}

/** A public key in DER: Ed25519 from its 32 bytes, P-256 as it comes. */
function spki({ algorithm, bytes }: Key): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(algorithm === 'ed25519' ? [...SPKI, ...bytes] : bytes)
}

/** A plain hash has its secret among the bytes, and is then a hash without a key. */
function withSecret(algorithm: Algorithm, key: Key | null, over: readonly Segment[]): readonly Segment[] | undefined {
  if (algorithm === 'sha256-secret-first') return [(key as Key).bytes, ...over]
  return algorithm === 'sha256-secret-last' ? [...over, (key as Key).bytes] : undefined
}

export function nodeCrypto(node: NodeCrypto): CryptoBackend {
  const symmetric = inboundNodeCrypto(node)
  const native = (key: Key, made: () => KeyObject) =>
    ({ key: (key.native ??= made()) as KeyObject, dsaEncoding: 'ieee-p1363' }) as const
  const der = (bytes: Bytes) => ({ key: Buffer.from(bytes), format: 'der' }) as const
  const digest = (algorithm: Algorithm) => (algorithm === 'ed25519' ? null : 'sha256')
  return {
    sign(algorithm, key, over) {
      const plain = withSecret(algorithm, key, over)
      if (plain) return symmetric.sign('sha256', null, plain)
      if (!isAsymmetric(algorithm)) return symmetric.sign(algorithm, key, over)
      const made = native(key as Key, () => node.createPrivateKey({ ...der(pkcs8(key as Key)), type: 'pkcs8' }))
      return node.sign(digest(algorithm), joinBytes(over), made)
    },
    verify(algorithm, key, over, signatures) {
      const plain = withSecret(algorithm, key, over)
      if (plain) return oneEquals(symmetric.sign('sha256', null, plain) as Bytes, algorithm, signatures)
      if (!isAsymmetric(algorithm)) return symmetric.verify(algorithm, key, over, signatures)
      const message = joinBytes(over)
      const fits = ({ bytes }: Candidate) => {
        try {
          const made = native(key as Key, () => node.createPublicKey({ ...der(spki(key as Key)), type: 'spki' }))
          return node.verify(digest(algorithm), message, made, bytes)
        } catch {
          return false
        }
      }
      return signatures.filter((one) => one.algorithm === algorithm && fits(one)).length > 0
    },
  }
}

export function webCrypto(subtle: Subtle): CryptoBackend {
  const symmetric = inboundWebCrypto(subtle)
  const parameters = (algorithm: Algorithm) =>
    algorithm === 'ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const native = (key: Key, format: 'pkcs8' | 'spki', bytes: Bytes, usage: 'sign' | 'verify') =>
    (key.native ??= subtle.importKey(format, Uint8Array.from(bytes), parameters(key.algorithm), false, [
      usage,
    ])) as ReturnType<Subtle['importKey']>
  return {
    async sign(algorithm, key, over) {
      const plain = withSecret(algorithm, key, over)
      if (plain) return symmetric.sign('sha256', null, plain)
      if (!isAsymmetric(algorithm)) return symmetric.sign(algorithm, key, over)
      const made = await native(key as Key, 'pkcs8', pkcs8(key as Key), 'sign')
      return new Uint8Array(await subtle.sign(parameters(algorithm), made, joinBytes(over)))
    },
    async verify(algorithm, key, over, signatures) {
      const plain = withSecret(algorithm, key, over)
      if (plain) return oneEquals(await symmetric.sign('sha256', null, plain), algorithm, signatures)
      if (!isAsymmetric(algorithm)) return symmetric.verify(algorithm, key, over, signatures)
      const message = joinBytes(over)
      const fits = async ({ bytes }: Candidate) => {
        try {
          const made = await native(key as Key, 'spki', spki(key as Key), 'verify')
          return await subtle.verify(parameters(algorithm), made, Uint8Array.from(bytes), message)
        } catch {
          return false
        }
      }
      return (await Promise.all(signatures.filter((one) => one.algorithm === algorithm).map(fits))).includes(true)
    },
  }
}
