import { fromBase64, fromHex, toBase64, toHex } from './encoding.ts'
import { ConfigurationError } from './errors.ts'
import type { HmacFormatOptions } from './hmac-format-options.ts'
import type { Bytes } from './seams.ts'
import { checkSecretText, toWhsec } from './secret.ts'
import type { SecretGrammar } from './wire-description.ts'

/** The grammar, and the least number of bytes. */
export function grammarOf(secret: HmacFormatOptions['secret']): {
  readonly grammar: SecretGrammar
  readonly minBytes: number
} {
  if (typeof secret === 'string') return { grammar: secret, minBytes: secret === 'text' ? 16 : 24 }
  // Whatever is allowed: an empty key accepts what anyone signs.
  return { grammar: secret.grammar, minBytes: Math.max(1, secret.minBytes) }
}

/** Bytes as a secret's text; as text, they are a `whsec_` secret. */
export function secretText(bytes: Bytes, grammar: SecretGrammar): string {
  return grammar === 'hex' ? toHex(bytes) : grammar === 'base64' ? toBase64(bytes) : toWhsec(bytes)
}

/** @throws ConfigurationError `secret_*` */
export function secretBytes(secret: string, options: HmacFormatOptions['secret']): Bytes {
  checkSecretText(secret)
  const { grammar: kind, minBytes } = grammarOf(options)
  const bytes =
    kind === 'text'
      ? new TextEncoder().encode(secret)
      : kind === 'hex'
        ? fromHex(secret)
        : fromBase64(kind === 'whsec' ? secret.replace(/^whsec_/, '') : secret)
  if (!bytes) throw new ConfigurationError('secret_format', `the secret is not of the grammar "${kind}"`)
  if (bytes.length >= minBytes) return bytes
  throw new ConfigurationError('secret_too_short', `a secret of this format holds at least ${minBytes} bytes`, {
    hint: 'is it the whole secret? A format of your own allows shorter ones by secret: { grammar, minBytes }',
  })
}
