import { fromBase64, toBase64 } from './encoding.ts'
import { ConfigurationError, PayloadError, WebhookVerificationError } from './errors.ts'
import { type Candidate, type InboundFormat, Key, type Segment, type WireFormat } from './format.ts'
import { parseJson } from './json.ts'
import { part, readStamp } from './parts.ts'
import type { Bytes, MaybePromise } from './seams.ts'
import { checkSecretText, toWhsec } from './secret.ts'
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
/** Visible ASCII without the full stop that separates id, time and body in what is signed. */
const ID = /^[!-\-/-~]{1,256}$/

/**
 * The default format: Standard Webhooks 1.0.0 (https://www.standardwebhooks.com), with `v1` (HMAC-SHA256) and
 * `v1a` (Ed25519). The body is `{"type", "timestamp", "data"}`.
 *
 * Secrets: `whsec_` and base64 of 24 to 64 bytes; for `v1a`, `whsk_` (32 or 64 bytes: the seed, or seed and public
 * key) at the sender and `whpk_` (32 bytes) at the receiver.
 *
 * It is stricter than the reference libraries, which accept `<time>junk` for a time, ids with full stops, base64
 * with junk in it and keys of one byte.
 */
export function standardWebhooks(options: StandardWebhooksOptions = {}): WireFormat {
  const [idHeader, timeHeader, signatureHeader] = headerNames(options)
  return {
    ...standardWebhooksInbound(options),
    signsWith: 'all-keys',
    newSecret: toWhsec,
    wire: {
      contentType: 'application/json',
      body: { type: part.type, timestamp: part.occurredAt('iso'), data: part.data },
      headers: [
        { name: idHeader, value: part.messageId },
        { name: timeHeader, value: part.sentAt('unix') },
      ],
      signature: {
        header: signatureHeader,
        algorithm: 'hmac-sha256',
        encoding: 'base64',
        prefix: 'v1,',
        separator: ' ',
        over: [part.header(idHeader), '.', part.header(timeHeader), '.', part.body],
        secret: 'whsec',
      },
    },
    compose({ message }) {
      const head = `{"type":${JSON.stringify(message.type)},"timestamp":"${message.occurredAt.toISOString()}"`
      return { body: `${head},"data":${message.data}}`, contentType: 'application/json' }
    },
    seal({ message, sentAt, body }, liveKeys, crypto) {
      const time = String(Math.floor(sentAt.getTime() / 1000))
      const over = [`${message.id}.${time}.`, body]
      const headers = (signatures: readonly string[]) => ({
        [idHeader]: message.id,
        [timeHeader]: time,
        [signatureHeader]: signatures.join(' '),
      })
      const made = liveKeys.map((key) => signature(key, over, (...given) => crypto.sign(...given)))
      return made.every((one) => typeof one === 'string') ? headers(made) : Promise.all(made).then(headers)
    },
  }
}

/** The half of {@link standardWebhooks} that receives. It is a receiver's default, and a third of the code. */
export function standardWebhooksInbound(options: StandardWebhooksOptions = {}): InboundFormat {
  const [idHeader, timeHeader, signatureHeader] = headerNames(options)
  return {
    name: 'standard-webhooks',
    facts: { id: 'signed', sentAt: 'signed', body: 'signed', url: 'absent' },
    methods: ['POST'],
    window: WINDOW,
    keys,
    open({ headers, body }) {
      const id = headers.one(idHeader)
      const time = headers.one(timeHeader)
      const list = headers.one(signatureHeader)
      if (!ID.test(id)) throw malformed('malformed_header', idHeader)
      if (list.length > LONGEST_SIGNATURES) throw malformed('malformed_header', signatureHeader)
      const sentAt = readStamp(time, 'unix')
      if (!sentAt) throw malformed('malformed_timestamp', timeHeader)
      return { proofs: [{ over: [[`${id}.${time}.`, body]], given: candidates(list) }], sentAt }
    },
    read({ headers, body }) {
      const content = parseJson(body) as Readonly<Record<string, unknown>> | null
      if (typeof content?.type !== 'string') throw new PayloadError('payload_invalid', 'the body has no "type"')
      const { type, timestamp, data } = content as { type: string; timestamp?: unknown; data?: unknown }
      const occurredAt = readStamp(timestamp, 'iso')
      const sentAt = new Date(Number(headers.one(timeHeader)) * 1000)
      const id = headers.one(idHeader)
      return occurredAt ? { type, data, id, sentAt, occurredAt } : { type, data, id, sentAt }
    },
  }
}

function headerNames({ prefix = 'webhook' }: StandardWebhooksOptions) {
  const word = prefix.toLowerCase()
  return [`${word}-id`, `${word}-timestamp`, `${word}-signature`] as const
}

function malformed(code: 'malformed_header' | 'malformed_timestamp', header: string): WebhookVerificationError {
  return new WebhookVerificationError(code, `the header ${header} is malformed`)
}

function keys(secret: string, use: 'sign' | 'verify'): readonly Key[] {
  checkSecretText(secret)
  const [, kind = 'sec', text = secret] = /^wh(sec|sk|pk)_(.*)$/s.exec(secret) ?? []
  const bytes = fromBase64(text)
  if (!bytes) {
    throw new ConfigurationError('secret_format', 'the secret is not "whsec_" and padded base64', {
      hint: 'is it text? That is hmacFormat',
    })
  }
  const { length } = bytes
  if (kind === 'sec') {
    if (length >= SHORTEST_SECRET && length <= LONGEST_SECRET) return [new Key('hmac-sha256', bytes)]
    const code = length < SHORTEST_SECRET ? 'secret_too_short' : 'secret_too_long'
    throw new ConfigurationError(code, `a secret holds ${SHORTEST_SECRET} to ${LONGEST_SECRET} bytes`)
  }
  const wanted = use === 'sign' ? 'sk' : 'pk'
  if (kind === wanted && (length === 32 || (length === 64 && use === 'sign'))) return [new Key('ed25519', bytes, use)]
  throw new ConfigurationError('secret_type', `the key to ${use} with is wh${wanted}_ and 32 bytes`)
}

function signature(
  key: Key,
  over: readonly Segment[],
  sign: (algorithm: Key['algorithm'], key: Key, over: readonly Segment[]) => MaybePromise<Bytes>,
): MaybePromise<string> {
  const label = key.algorithm === 'ed25519' ? 'v1a,' : 'v1,'
  const made = sign(key.algorithm, key, over)
  return made instanceof Promise ? made.then((bytes) => label + toBase64(bytes)) : label + toBase64(made)
}

/** The well-formed signatures of a space-separated list; what is not of the form is no candidate. */
function candidates(list: string): readonly Candidate[] {
  const found: Candidate[] = []
  // Most have one, and a split costs as much as the rest of this.
  for (const one of list.includes(' ') ? list.split(' ', MOST_SIGNATURES) : [list]) {
    const algorithm = one.startsWith('v1,') ? 'hmac-sha256' : one.startsWith('v1a,') ? 'ed25519' : undefined
    const bytes = algorithm && fromBase64(one.slice(one.indexOf(',') + 1))
    if (bytes?.length === (algorithm === 'ed25519' ? 64 : 32)) found.push({ algorithm: algorithm as 'ed25519', bytes })
  }
  return found
}
