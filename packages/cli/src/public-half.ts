import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { WireFormat } from '@hooks/core'

/** What stands before the 32 bytes of a private key of Ed25519 in DER (RFC 8410, section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The public half of a secret that only signs, written as its format takes it; undefined where one secret does both. */
export function publicHalf(format: WireFormat, secret: string): string | undefined {
  const [key] = format.keys(secret, 'sign')
  if (key?.algorithm !== 'ed25519' && key?.algorithm !== 'ecdsa-p256-sha256') return undefined
  const der = key.algorithm === 'ed25519' ? Buffer.concat([PKCS8, key.bytes.subarray(0, 32)]) : Buffer.from(key.bytes)
  const made = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  const spki = made.export({ format: 'der', type: 'spki' })
  const point = spki.subarray(-32)
  // The format knows which of them is its own.
  const spellings = [point.toString('hex'), point.toString('base64'), spki.toString('base64')]
  return spellings.find((one) => takes(format, one))
}

function takes(format: WireFormat, secret: string): boolean {
  try {
    return format.keys(secret, 'verify').length > 0
  } catch {
    return false
  }
}
