import { fromBase64 } from './encoding.ts'
import { ConfigurationError, headerError, PayloadError, WebhookVerificationError } from './errors.ts'
import { type Algorithm, type Candidate, type InboundFormat, Key } from './format.ts'
import { parseJson } from './json.ts'
import { readIso, readUnix } from './parts.ts'
import { checkSecretText } from './secret.ts'
import { LONGEST_SIGNATURES, MOST_SIGNATURES } from './signature-fields.ts'

/** Options of {@link standardWebhooks}. */
export interface StandardWebhooksOptions {
  /** The headers' first word: `webhook` (the specification), or `svix`. */
  readonly prefix?: string
}

/** Five minutes either way: the specification's reference libraries. */
const WINDOW = { maxAgeMs: 300_000, maxFutureMs: 300_000 }
/** "Secret keys should be between 24 bytes and 64 bytes" (specification, "Symmetric"). */
const SHORTEST_SECRET = 24
const LONGEST_SECRET = 64
/** A comma at the end of a word that has one before. */
const FOLDED = /,( |$)(?<=,[^, ]*, ?)/
/** Visible ASCII without the full stop that separates id, time and body in what is signed. */
const ID = /^[!-\-/-~]{1,256}$/

/**
 * The half of `standardWebhooks` that most receivers need, with `v1` alone: a receiver's default, and a third of the
 * code. What is signed with `v1a` asks for the whole format.
 */
export function standardWebhooksInbound(options: StandardWebhooksOptions = {}): InboundFormat {
  const [idHeader, timeHeader, signatureHeader] = headerNames(options)
  return {
    name: 'standard-webhooks',
    facts: { id: 'signed', sentAt: 'signed', body: 'signed', url: 'absent' },
    methods: ['POST'],
    window: WINDOW,
    keys: (secret) => [symmetricKey(secret)],
    open({ headers, body }) {
      const id = headers.one(idHeader)
      const time = headers.one(timeHeader)
      const list = headers.one(signatureHeader)
      const sentAt = readUnix(time)
      // Most have one, and a split costs as much as the rest of this.
      const signatures = list.includes(' ') ? list.split(' ', MOST_SIGNATURES + 1) : [list]
      const tooMany = list.length > LONGEST_SIGNATURES || signatures.length > MOST_SIGNATURES
      const malformed = ID.test(id) ? tooMany && signatureHeader : idHeader
      if (malformed) throw headerError('malformed_header', malformed)
      // A version has one comma behind it, and no signature ends with one.
      if (FOLDED.test(list)) throw headerError('ambiguous_header', signatureHeader)
      if (!sentAt) throw new WebhookVerificationError('malformed_timestamp')
      return {
        proofs: [{ over: [[`${id}.${time}.`, body]], given: candidates(signatures, 'v1,', 'hmac-sha256', 32) }],
        sentAt,
      }
    },
    read({ headers, body }) {
      const { type, timestamp, data } = (parseJson(body) ?? {}) as Readonly<Record<string, unknown>>
      if (typeof type !== 'string') throw new PayloadError('payload_invalid', 'the body has no "type"')
      const id = headers.find(idHeader) as string
      const sentAt = new Date(Number(headers.find(timeHeader)) * 1000)
      const occurredAt = readIso(timestamp)
      // By hand: a spread costs a tenth of a verification.
      return occurredAt ? { type, data, id, sentAt, occurredAt } : { type, data, id, sentAt }
    },
  }
}

export function headerNames({ prefix = 'webhook' }: StandardWebhooksOptions) {
  return ['id', 'timestamp', 'signature'].map((name) => `${prefix.toLowerCase()}-${name}`) as [string, string, string]
}

/** @throws ConfigurationError `secret_missing`, `secret_whitespace`, `secret_format`, `secret_too_short`, `secret_too_long` */
export function symmetricKey(secret: string): Key {
  checkSecretText(secret)
  const bytes = fromBase64(secret.replace(/^whsec_/, ''))
  if (bytes && bytes.length >= SHORTEST_SECRET && bytes.length <= LONGEST_SECRET) return new Key('hmac-sha256', bytes)
  const code = !bytes ? 'secret_format' : bytes.length < SHORTEST_SECRET ? 'secret_too_short' : 'secret_too_long'
  throw new ConfigurationError(code, 'a secret is "whsec_" and padded base64 of 24 to 64 bytes', {
    hint: 'make one: npx @hooks/cli secret; text is for hmacFormat(), whpk_ for standardWebhooks()',
  })
}

/** The well-formed signatures of one version; what is not of the form is no candidate. */
export function candidates(
  signatures: readonly string[],
  label: string,
  algorithm: Algorithm,
  length: number,
): readonly Candidate[] {
  const found: Candidate[] = []
  for (const one of signatures) {
    const bytes = one.startsWith(label) && fromBase64(one.slice(label.length))
    if (bytes && bytes.length === length) found.push({ algorithm, bytes })
  }
  return found
}
