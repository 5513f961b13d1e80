import { fromBase64 } from '../encoding.ts'
import { ConfigurationError } from '../errors.ts'
import { Key, type WireFormat } from '../format.ts'
import { checkSecretText } from '../secret.ts'
import { standardWebhooks } from '../standard-webhooks.ts'
import { standardBody } from './standard-body.ts'

/** What a secret must hold, in bytes, to be one by the Standard Webhooks derivation. */
const SHORTEST_DECODED = 24
const SHORTEST_TEXT = 16

/**
 * Polar: Standard Webhooks, whose headers, scheme and window (five minutes either way, every attempt stamped anew) it has. The id
 * is signed.
 *
 * Secrets come in two kinds that look alike. Those made on or after 2026-09-08 are keys by the Standard Webhooks derivation:
 * `whsec_` and base64. The key of an older one is its text, a `whsec_` in front included. Both are tried, as in Polar's SDK.
 *
 * `data` is the whole event: `{ type, timestamp, data }`.
 *
 * Source: https://polar.sh/docs/integrate/webhooks/delivery; https://github.com/polarsource/polar/pull/14117; @polar-sh/sdk 1.0.1
 */
export function polar(): WireFormat {
  return { ...standardWebhooks(), ...standardBody('webhook'), name: 'polar', keys }
}

function keys(secret: string, use: 'sign' | 'verify'): readonly Key[] {
  checkSecretText(secret)
  const text = new TextEncoder().encode(secret)
  if (text.length < SHORTEST_TEXT) {
    throw new ConfigurationError('secret_too_short', `a secret of this format holds at least ${SHORTEST_TEXT} bytes`)
  }
  const decoded = fromBase64(secret.replace(/^whsec_/, ''))
  const derived = decoded && decoded.length >= SHORTEST_DECODED ? [decoded] : []
  const both = [...derived, text].map((bytes) => new Key('hmac-sha256', bytes, use))
  // Polar signs by one derivation: the newer one, where there is a choice.
  return use === 'sign' ? both.slice(0, 1) : both
}
