import type { Clock, Random } from './seams.ts'

/** Lower-case Crockford base32: no i, l, o, u, so an id survives being read out. It sorts as the bytes do. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A new id: `prefix` and 26 characters, the base32 of a UUIDv7 (RFC 9562 section 5.7). Ids made later sort later,
 * to the millisecond.
 */
export function newId(prefix: string, clock: Clock, random: Random): string {
  const bytes = random.bytes(16)
  let ms = clock.now().getTime()
  for (let i = 5; i >= 0; i--) {
    bytes[i] = ms % 256
    ms = Math.floor(ms / 256)
  }
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f)
  let id = prefix
  // 26 characters of 5 bits hold 130 bits: two leading zero bits, then the 128.
  let buffer = 0
  let bits = 2
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      id += ALPHABET[(buffer >> bits) & 31]
    }
    buffer &= (1 << bits) - 1
  }
  return id
}
