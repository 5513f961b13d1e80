import { platformCrypto } from '../crypto.ts'
import { fromBase64, toBase64 } from '../encoding.ts'
import { ConfigurationError, PayloadError, WebhookVerificationError } from '../errors.ts'
import { Key, type RawRequest, type WireFormat } from '../format.ts'
import { parseJson } from '../json.ts'
import { readStamp, writeStamp } from '../parts.ts'
import { checkSecretText } from '../secret.ts'

type Fields = Readonly<Record<string, unknown>>

const SIGNATURE = 'telnyx-signature-ed25519'
const TIME = 'telnyx-timestamp'
/** Five minutes either way: Telnyx' own libraries. */
const WINDOW = { maxAgeMs: 300_000, maxFutureMs: 300_000 }

/**
 * Telnyx, API v2: `telnyx-signature-ed25519`, base64 of an Ed25519 signature of `<telnyx-timestamp>|<body>` (Unix seconds).
 *
 * The secret of a receiver is the account's public key, base64 of 32 bytes, from Mission Control ("Keys & Credentials"). To
 * sign, in tests, it is `whsk_` and base64 of a private key's 32 bytes.
 *
 * `type` (`data.event_type`), `id` (`data.id`) and `occurredAt` are in the signed body, `attempt` is its `meta.attempt`. `data` is
 * the whole body. Failed deliveries go to the failover URL, with the same id.
 *
 * Source: https://developers.telnyx.com/docs/development/api-fundamentals/webhooks/receiving-webhooks
 */
export function telnyx(): WireFormat {
  return {
    name: 'telnyx',
    facts: { id: 'signed', sentAt: 'signed', body: 'signed', url: 'absent' },
    methods: ['POST'],
    window: WINDOW,
    signsWith: 'one-key',
    crypto: platformCrypto,
    keys,
    newSecret: (bytes) => `whsk_${toBase64(bytes)}`,
    compose({ message }) {
      const data = `{"record_type":"event","event_type":${JSON.stringify(message.type)},"id":${JSON.stringify(message.id)}`
      const body = `{"data":${data},"occurred_at":"${message.occurredAt.toISOString()}","payload":${message.data}}}`
      return { body, contentType: 'application/json' }
    },
    async seal({ sentAt, body }, [key], crypto) {
      const time = writeStamp(sentAt, 'unix')
      const signature = await crypto.sign('ed25519', key as Key, [`${time}|`, body])
      return { [TIME]: time, [SIGNATURE]: toBase64(signature) }
    },
    open({ headers, body }) {
      const text = headers.one(SIGNATURE)
      const bytes = text.length === 88 ? fromBase64(text) : undefined
      const time = headers.one(TIME)
      const sentAt = readStamp(time, 'unix')
      if (!sentAt) throw new WebhookVerificationError('malformed_timestamp', `the header ${TIME} is malformed`)
      const given = bytes?.length === 64 ? [{ algorithm: 'ed25519' as const, bytes }] : []
      return { proofs: [{ over: [[`${time}|`, body]], given }], sentAt }
    },
    read,
  }
}

function read({ headers, body }: RawRequest) {
  const data = parseJson(body) as { data?: Fields | null; meta?: Fields | null } | null
  const { event_type: type, id, occurred_at: time } = data?.data ?? {}
  if (typeof type !== 'string') throw new PayloadError('payload_invalid', 'the body has no "data.event_type"')
  const occurredAt = readStamp(time, 'iso')
  const sentAt = readStamp(headers.find(TIME), 'unix')
  const attempt = Number(data?.meta?.attempt)
  return {
    type,
    data,
    ...(typeof id === 'string' && { id }),
    ...(occurredAt && { occurredAt }),
    ...(sentAt && { sentAt }),
    ...(Number.isSafeInteger(attempt) && { attempt }),
  }
}

function keys(secret: string, use: 'sign' | 'verify'): readonly Key[] {
  checkSecretText(secret)
  const isPrivate = secret.startsWith('whsk_')
  if (isPrivate !== (use === 'sign')) {
    const what = use === 'sign' ? '"whsk_" and the base64 of a private key' : 'the public key of the account'
    throw new ConfigurationError('secret_type', `the secret to ${use} with is ${what}`)
  }
  const bytes = fromBase64(isPrivate ? secret.slice(5) : secret)
  if (bytes?.length === 32) return [new Key('ed25519', bytes, use)]
  throw new ConfigurationError('secret_format', 'the key is not the base64 of 32 bytes', {
    hint: 'the public key is in Mission Control, under "Keys & Credentials"',
  })
}
