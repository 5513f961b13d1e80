import type { Bytes } from './seams.ts'

/**
 * An ECDSA P-256 signature in DER (RFC 3279 section 2.2.3) as a `Candidate` holds it: r and s of 32 bytes each. It is
 * for formats that have DER on the wire. What is not DER to the bit gives no bytes, which never verify: one signature
 * has one spelling, as in OpenSSL.
 */
export function ecdsaFromDer(signature: Bytes): Bytes {
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

/** r and s of 32 bytes each as DER: what {@link ecdsaFromDer} takes apart. */
export function ecdsaToDer(signature: Bytes): Bytes {
  const numbers = [signature.subarray(0, 32), signature.subarray(32)].map((number) => {
    const start = number.findIndex((byte) => byte !== 0)
    const digits = [...number.subarray(start < 0 ? 31 : start)]
    if ((digits[0] as number) > 0x7f) digits.unshift(0)
    return [2, digits.length, ...digits]
  })
  const content = numbers.flat()
  return Uint8Array.from([0x30, content.length, ...content])
}
