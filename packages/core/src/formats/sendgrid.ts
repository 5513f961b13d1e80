import { platformCrypto } from '../crypto.ts'
import { ecdsaFromDer, ecdsaToDer } from '../ecdsa.ts'
import { fromBase64, fromHex, toBase64, toHex } from '../encoding.ts'
import { ConfigurationError, WebhookVerificationError } from '../errors.ts'
import { Key, type WireFormat } from '../format.ts'
import { parseJson } from '../json.ts'
import { readStamp, writeStamp } from '../parts.ts'
import type { Bytes } from '../seams.ts'
import { checkSecretText } from '../secret.ts'
import { BATCH, batchFormat, checkBatchType, idText } from './batch.ts'

const SIGNATURE = 'x-twilio-email-event-webhook-signature'
const TIME = 'x-twilio-email-event-webhook-timestamp'
/** SendGrid tries again for a day, and no document says that it then signs anew. Of the future, five minutes. */
const WINDOW = { maxAgeMs: 25 * 3_600_000, maxFutureMs: 300_000 }

/** 72 bytes of DER in base64. */
const LONGEST_SIGNATURE = 96

/** In DER, what stands before a P-256 public point (RFC 5480), and before 32 private bytes (RFC 5958, RFC 5915). */
const SPKI = '3059301306072a8648ce3d020106082a8648ce3d03010703420004'
const PKCS8 = '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'

/**
 * SendGrid's Event Webhook: `X-Twilio-Email-Event-Webhook-Signature`, base64 of a DER ECDSA signature (P-256, SHA-256) of
 * `X-Twilio-Email-Event-Webhook-Timestamp` (Unix seconds) and the body, with nothing between them.
 *
 * The secret of a receiver is the verification key, base64 of a public key in SPKI, as the mail settings show it. To sign, in
 * tests, it is base64 of a private key in PKCS #8.
 *
 * A request holds several events: it is one message of the type `events`, and `data` is the array. Its `id` is the `sg_event_id`
 * of each. The line breaks between and behind events are signed too.
 *
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 */
export function sendgrid(): WireFormat {
  const format: WireFormat = {
    name: 'sendgrid',
    facts: { id: 'signed', sentAt: 'signed', body: 'signed', url: 'absent' },
    methods: ['POST'],
    window: WINDOW,
    signsWith: 'one-key',
    crypto: platformCrypto,
    keys,
    newSecret: (bytes) => toBase64(fromHex(PKCS8 + toHex(privateBytes(bytes))) as Bytes),
    check: checkBatchType,
    compose: ({ message }) => ({ body: message.data, contentType: 'application/json' }),
    async seal({ sentAt, body }, [key], crypto) {
      const time = writeStamp(sentAt, 'unix')
      const signature = await crypto.sign('ecdsa-p256-sha256', key as Key, [time, body])
      return { [SIGNATURE]: toBase64(ecdsaToDer(signature)), [TIME]: time }
    },
    open({ headers, body }) {
      const text = headers.one(SIGNATURE)
      const der = text.length <= LONGEST_SIGNATURE ? fromBase64(text) : undefined
      const time = headers.one(TIME)
      const sentAt = readStamp(time, 'unix')
      if (!sentAt) throw new WebhookVerificationError('malformed_timestamp', `the header ${TIME} is malformed`)
      const given = der ? [{ algorithm: 'ecdsa-p256-sha256' as const, bytes: ecdsaFromDer(der) }] : []
      return { proofs: [{ over: [[time, body]], given }], sentAt }
    },
    read({ headers, body }) {
      const sentAt = readStamp(headers.find(TIME), 'unix')
      return { type: BATCH, data: parseJson(body), ...(sentAt && { sentAt }) }
    },
  }
  return batchFormat(format, {
    events: (body) => body,
    body: (events) => events,
    idOf: ({ sg_event_id: id }) => idText(id),
    defaults: ({ message }, id) => ({ sg_event_id: id, timestamp: Math.floor(message.occurredAt.getTime() / 1000) }),
  })
}

function keys(secret: string, use: 'sign' | 'verify'): readonly Key[] {
  checkSecretText(secret)
  const bytes = fromBase64(secret)
  const hex = bytes && toHex(bytes)
  const isPublic = hex?.startsWith(SPKI) && bytes?.length === 91
  // A private key may have its public half beside it, or not: what it is must be clear, the rest the platform judges.
  const isPrivate = bytes?.[0] === 0x30 && hex?.includes(PKCS8.slice(8, -22)) && !isPublic
  if (bytes && (use === 'sign' ? isPrivate : isPublic)) return [new Key('ecdsa-p256-sha256', bytes, use)]
  if (isPublic || isPrivate) {
    const what = use === 'sign' ? 'private key in PKCS #8' : 'public key, the verification key of the mail settings'
    throw new ConfigurationError('secret_type', `the secret to ${use} with is the ${what}`)
  }
  throw new ConfigurationError('secret_format', 'the key is not the base64 of a P-256 key in DER', {
    hint: 'copy the verification key from the mail settings, without PEM lines',
  })
}

/** 32 bytes below the order of the curve. */
function privateBytes(bytes: Bytes): Bytes {
  return bytes.map((byte, i) => (i === 0 ? byte & 0x7f : byte))
}
