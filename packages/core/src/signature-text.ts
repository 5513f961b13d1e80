import { toBase64, toHex } from './encoding.ts'
import type { Bytes } from './seams.ts'

/**
 * A signature as text. Node.js makes Buffers, which encode themselves: letter by letter costs a quarter of the signature.
 * It is for those who sign; receivers, who are to be small, write none.
 */
export function signatureText(bytes: Bytes, encoding: 'base64' | 'hex'): string {
  const { Buffer } = globalThis as { Buffer?: BufferConstructor }
  if (Buffer?.isBuffer(bytes)) return bytes.toString(encoding)
  return encoding === 'hex' ? toHex(bytes) : toBase64(bytes)
}
