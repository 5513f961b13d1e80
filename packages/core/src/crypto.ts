import type { KeyObject } from 'node:crypto'
import { joinBytes } from './encoding.ts'
import type { Algorithm, CryptoBackend, Key, Segment } from './format.ts'
import {
  builtinCrypto,
  inboundNodeCrypto,
  inboundWebCrypto,
  isAsymmetric,
  type NodeCrypto,
  type Subtle,
} from './inbound-crypto.ts'
import type { Bytes } from './seams.ts'

/**
 * The platform's cryptography, all of it: `node:crypto`, which is synchronous, where `process.getBuiltinModule` gives
 * it (Node.js, Bun, Deno, Workers with compatibility), Web Crypto elsewhere. Both give the same bytes.
 */
export function platformCrypto(): CryptoBackend {
  const node = builtinCrypto()
  return node ? nodeCrypto(node) : webCrypto(globalThis.crypto.subtle)
}

/** DER headers of an Ed25519 private key: RFC 8410 section 7, then the 32 bytes. */
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]

/** A private key in DER: Ed25519 from its 32 bytes (of 64, the first half), P-256 as it comes. */
function pkcs8({ algorithm, bytes }: Key): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(algorithm === 'ed25519' ? [...PKCS8, ...bytes.subarray(0, 32)] : bytes)
}

/** A plain hash has its secret among the bytes, and is then a hash without a key. */
function withSecret(algorithm: Algorithm, key: Key | null, over: readonly Segment[]): readonly Segment[] | undefined {
  if (algorithm === 'sha256-secret-first') return [(key as Key).bytes, ...over]
  return algorithm === 'sha256-secret-last' ? [...over, (key as Key).bytes] : undefined
}

export function nodeCrypto(node: NodeCrypto): CryptoBackend {
  const { sign, verify } = inboundNodeCrypto(node)
  const native = (key: Key, made: () => KeyObject) =>
    ({ key: (key.native ??= made()) as KeyObject, dsaEncoding: 'ieee-p1363' }) as const
  const der = (bytes: Bytes) => ({ key: Buffer.from(bytes), format: 'der' }) as const
  return {
    sign(algorithm, key, over) {
      const plain = withSecret(algorithm, key, over)
      if (plain) return sign('sha256', null, plain)
      if (!isAsymmetric(algorithm)) return sign(algorithm, key, over)
      const made = native(key as Key, () => node.createPrivateKey({ ...der(pkcs8(key as Key)), type: 'pkcs8' }))
      return node.sign(algorithm === 'ed25519' ? null : 'sha256', joinBytes(over), made)
    },
    verify(algorithm, key, over, signature) {
      try {
        if (algorithm === 'ed25519') return verify(algorithm, key, over, signature)
        const made = native(key, () => node.createPublicKey({ ...der(key.bytes), type: 'spki' }))
        return node.verify('sha256', joinBytes(over), made, signature)
      } catch {
        return false
      }
    },
  }
}

export function webCrypto(subtle: Subtle): CryptoBackend {
  const { sign, verify } = inboundWebCrypto(subtle)
  const parameters = (algorithm: Algorithm) =>
    algorithm === 'ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const native = (key: Key, format: 'pkcs8' | 'spki', bytes: Bytes, usage: 'sign' | 'verify') =>
    (key.native ??= subtle.importKey(format, Uint8Array.from(bytes), parameters(key.algorithm), false, [
      usage,
    ])) as ReturnType<Subtle['importKey']>
  return {
    async sign(algorithm, key, over) {
      const plain = withSecret(algorithm, key, over)
      if (plain) return sign('sha256', null, plain)
      if (!isAsymmetric(algorithm)) return sign(algorithm, key, over)
      const made = await native(key as Key, 'pkcs8', pkcs8(key as Key), 'sign')
      return new Uint8Array(await subtle.sign(parameters(algorithm), made, joinBytes(over)))
    },
    async verify(algorithm, key, over, signature) {
      try {
        if (algorithm === 'ed25519') return await verify(algorithm, key, over, signature)
        const made = await native(key, 'spki', key.bytes, 'verify')
        return await subtle.verify(parameters(algorithm), made, Uint8Array.from(signature), joinBytes(over))
      } catch {
        return false
      }
    },
  }
}
