import type { webcrypto } from 'node:crypto'
import { ConfigurationError } from './errors.ts'
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
function der(algorithm: Algorithm, header: readonly number[], bytes: Bytes): Uint8Array<ArrayBuffer> {
  return algorithm === 'ed25519' ? Uint8Array.from([...header, ...bytes.subarray(0, 32)]) : Uint8Array.from(bytes)
}

/** By algorithm, the hash underneath and where the secret goes. */
function hashOf(algorithm: Algorithm): 'sha1' | 'sha256' | 'sha512' {
  return algorithm === 'hmac-sha1' ? 'sha1' : algorithm === 'hmac-sha512' ? 'sha512' : 'sha256'
}

export function nodeCrypto(node: NodeCrypto): CryptoBackend {
  const privateKey = (key: Key, algorithm: Algorithm) =>
    (key.native ??= node.createPrivateKey({
      key: Buffer.from(der(algorithm, PKCS8, key.bytes)),
      format: 'der',
      type: 'pkcs8',
    })) as ReturnType<NodeCrypto['createPrivateKey']>
  const publicKey = (key: Key, algorithm: Algorithm) =>
    (key.native ??= node.createPublicKey({
      key: Buffer.from(der(algorithm, SPKI, key.bytes)),
      format: 'der',
      type: 'spki',
    })) as ReturnType<NodeCrypto['createPublicKey']>
  return {
    sign(algorithm, key, over) {
      if (algorithm === 'token') return (key as Key).bytes
      if (isAsymmetric(algorithm)) {
        const digest = algorithm === 'ed25519' ? null : 'sha256'
        return node.sign(digest, concat(over), privateKey(key as Key, algorithm))
      }
      const hash = hashOf(algorithm)
      const mac = algorithm.startsWith('hmac')
        ? node.createHmac(hash, ((key as Key).native ??= node.createSecretKey((key as Key).bytes)) as never)
        : node.createHash(hash)
      if (algorithm === 'sha256-secret-first') mac.update((key as Key).bytes)
      for (const segment of over) mac.update(segment)
      if (algorithm === 'sha256-secret-last') mac.update((key as Key).bytes)
      return mac.digest()
    },
    verify(algorithm, key, over, signature) {
      const digest = algorithm === 'ed25519' ? null : 'sha256'
      try {
        return node.verify(digest, concat(over), publicKey(key, algorithm), signature)
      } catch {
        return false
      }
    },
  }
}

export function webCrypto(subtle: webcrypto.SubtleCrypto): CryptoBackend {
  const native = (key: Key, make: () => Promise<CryptoKey>) => (key.native ??= make()) as Promise<CryptoKey>
  const names = { sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' } as const
  const parameters = (algorithm: Algorithm) =>
    algorithm === 'ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  return {
    async sign(algorithm, key, over) {
      if (algorithm === 'token') return (key as Key).bytes
      const { bytes } = (key ?? { bytes: new Uint8Array() }) as Key
      if (isAsymmetric(algorithm)) {
        // Web Crypto writes ECDSA signatures as r and s, the wire has DER, and no format here signs with it there.
        if (algorithm !== 'ed25519')
          throw new ConfigurationError('algorithm_unavailable', `${algorithm} cannot be signed without node:crypto`)
        const made = await native(key as Key, () =>
          subtle.importKey('pkcs8', der(algorithm, PKCS8, bytes), 'Ed25519', false, ['sign']),
        )
        return new Uint8Array(await subtle.sign('Ed25519', made, concat(over)))
      }
      const hash = names[hashOf(algorithm)]
      if (algorithm.startsWith('hmac')) {
        const made = await native(key as Key, () =>
          subtle.importKey('raw', Uint8Array.from(bytes), { name: 'HMAC', hash }, false, ['sign']),
        )
        return new Uint8Array(await subtle.sign('HMAC', made, concat(over)))
      }
      const whole =
        algorithm === 'sha256' ? over : algorithm === 'sha256-secret-first' ? [bytes, ...over] : [...over, bytes]
      return new Uint8Array(await subtle.digest(hash, concat(whole)))
    },
    async verify(algorithm, key, over, signature) {
      try {
        const made = await native(key, () =>
          subtle.importKey('spki', der(algorithm, SPKI, key.bytes), parameters(algorithm), false, ['verify']),
        )
        const bytes = algorithm === 'ed25519' ? signature : fromDer(signature)
        return await subtle.verify(parameters(algorithm), made, Uint8Array.from(bytes), concat(over))
      } catch {
        return false
      }
    },
  }
}

/**
 * An ECDSA P-256 signature in DER as Web Crypto wants it: r and s of 32 bytes each (RFC 3279 section 2.2.3). What is
 * not DER to the bit gives no bytes, which never verify: one signature has one spelling, as in OpenSSL.
 */
function fromDer(signature: Bytes): Bytes {
  const none = new Uint8Array()
  const raw = new Uint8Array(64)
  if (signature[0] !== 0x30 || signature[1] !== signature.length - 2) return none
  let at = 2
  for (const end of [32, 64]) {
    const length = signature[at + 1] ?? 0
    const number = signature.subarray(at + 2, at + 2 + length)
    const [first = 0x80, second = 0] = number
    // A number has a zero in front exactly if it would look negative without.
    const digits = first === 0 ? number.subarray(1) : number
    const minimal = first === 0 ? second > 0x7f : first < 0x80
    if (signature[at] !== 2 || number.length !== length || digits.length > 32 || !minimal) return none
    raw.set(digits, end - digits.length)
    at += 2 + length
  }
  return at === signature.length ? raw : none
}

const utf8 = new TextEncoder()

function concat(over: readonly Segment[]): Uint8Array<ArrayBuffer> {
  const pieces = over.map((segment) => (typeof segment === 'string' ? utf8.encode(segment) : segment))
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
