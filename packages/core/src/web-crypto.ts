import { oneEquals } from './compare.ts'
import { joinBytes } from './encoding.ts'
import type { CryptoBackend, Key } from './format.ts'

/** As the platform itself types it: those who have no Node.js have none of its types. */
export type Subtle = typeof globalThis.crypto.subtle

type NativeKey = Awaited<ReturnType<Subtle['importKey']>>

/** {@link inboundCrypto} of platforms that have Web Crypto alone: edge functions, browsers. Each answer is a promise. */
export function inboundWebCrypto(subtle: Subtle = globalThis.crypto.subtle): CryptoBackend {
  const sign: CryptoBackend['sign'] = async (algorithm, key, over) => {
    if (algorithm === 'token') return (key as Key).bytes
    const hash = algorithm.replace(/^(hmac-)?sha/, 'SHA-')
    const bytes = joinBytes(over)
    if (!key) return new Uint8Array(await subtle.digest(hash, bytes))
    key.native ??= subtle.importKey('raw', Uint8Array.from(key.bytes), { name: 'HMAC', hash }, false, ['sign'])
    return new Uint8Array(await subtle.sign('HMAC', (await key.native) as NativeKey, bytes))
  }
  return {
    sign,
    verify: async (algorithm, key, over, signatures) =>
      oneEquals(await sign(algorithm, key, over), algorithm, signatures),
  }
}
