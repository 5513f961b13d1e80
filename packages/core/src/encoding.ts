import type { Bytes } from './seams.ts'

/** Bytes as padded base64 (RFC 4648 section 4). */
export function toBase64(bytes: Bytes): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/**
 * The bytes of padded, canonical base64, or undefined: the URL alphabet, missing padding, white space and
 * non-zero trailing bits are refused, so that one signature has one spelling.
 */
export function fromBase64(text: string): Bytes | undefined {
  let binary: string
  try {
    binary = atob(text)
  } catch {
    return undefined
  }
  if (btoa(binary) !== text) return undefined
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

/** Bytes as lower-case hexadecimal. */
export function toHex(bytes: Bytes): string {
  let text = ''
  for (const byte of bytes) text += (byte + 256).toString(16).slice(1)
  return text
}

/** The bytes of hexadecimal of either case, or undefined. */
export function fromHex(text: string): Bytes | undefined {
  const bytes = new Uint8Array(text.length >> 1)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    // Letters of either case, in lower case.
    const letter = code | 0x20
    const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
    if (digit < 0) return undefined
    bytes[i >> 1] = ((bytes[i >> 1] as number) << 4) | digit
  }
  return text.length % 2 === 1 ? undefined : bytes
}

/**
 * Pieces as one array of bytes; text as UTF-8. What `slice` gives is `Uint8Array<ArrayBuffer>`, which fetch takes, and what
 * TypeScript before 5.7 has instead.
 */
export function joinBytes(pieces: readonly (string | Bytes)[]): ReturnType<Bytes['slice']> {
  const parts = pieces.map((piece) => (typeof piece === 'string' ? new TextEncoder().encode(piece) : piece))
  let at = 0
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
