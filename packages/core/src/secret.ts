import { toBase64 } from './encoding.ts'
import { ConfigurationError } from './errors.ts'
import type { Bytes, Random } from './seams.ts'

/** How many random bytes a generated secret holds. Standard Webhooks asks for 24 to 64. */
export const SECRET_BYTES = 32

/** A fresh symmetric secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks, "Signature scheme"). */
export function generateSecret(random: Random): string {
  return toWhsec(random.bytes(SECRET_BYTES))
}

/** Bytes as a `whsec_` secret. */
export function toWhsec(bytes: Bytes): string {
  return `whsec_${toBase64(bytes)}`
}

/** What a template or `String()` makes of a variable that is not set, or of an object. */
const NO_SECRET = /^(undefined|null|\[object .*)?$/

/**
 * Refuses what no format can take for a secret.
 *
 * @throws ConfigurationError `secret_missing`, `secret_whitespace`
 */
export function checkSecretText(secret: unknown): asserts secret is string {
  if (typeof secret !== 'string' || NO_SECRET.test(secret)) {
    throw new ConfigurationError('secret_missing', undefined, { hint: 'is the environment variable set?' })
  }
  if (secret !== secret.trim()) {
    throw new ConfigurationError('secret_whitespace', 'white space around it')
  }
}
