import { fromHex, toHex } from '../encoding.ts'
import { PayloadError, WebhookVerificationError } from '../errors.ts'
import type { Key, RawRequest, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { parseJson } from '../json.ts'
import { part, readStamp, writeStamp } from '../parts.ts'
import type { Fields } from './batch.ts'

/** Mailgun tries again for some eight hours, and no document says that it then signs anew. Of the future, five minutes. */
const WINDOW = { maxAgeMs: 9 * 3_600_000, maxFutureMs: 300_000 }
/** Time and token are signed with nothing between them. As the time has ten digits until 2286, none can be moved. */
const TIME = /^\d{10}$/
const TOKEN = /^[!-~]{1,256}$/

/**
 * Mailgun's webhooks: the signature is in the body, `{ signature: { timestamp, token, signature }, "event-data" }`, hex of an
 * HMAC-SHA256 of the time (Unix seconds) and the token, with nothing between them. The key is the text of the account's HTTP
 * webhook signing key. Events of a subaccount have the primary account's signature beside their own (`parent-signature`);
 * either is enough.
 *
 * **The signature does not cover the event.** Whoever gets hold of one request, in a log or at a proxy, can put any event
 * under its signature. Let a store remember the token, which is the message's `id`, as Mailgun asks: then each signature
 * works once. Where money or access depends on an event, ask Mailgun's Events API for it.
 *
 * `type` is the event's (`delivered`, `failed`), `data` the whole body. Routes and inbound messages, which are forms, are not
 * read.
 *
 * Source: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
 */
export function mailgun(): WireFormat {
  const format = hmacFormat({
    name: 'mailgun',
    secret: 'text',
    body: {
      signature: { token: part.messageId },
      'event-data': { event: part.type, timestamp: part.occurredAt('unix'), '...': part.data },
    },
    // It stands in the body: this format takes keys, and composes.
    signature: { header: 'signature' },
  })
  return {
    ...format,
    facts: { id: 'signed', sentAt: 'signed', body: 'unsigned', url: 'absent' },
    window: WINDOW,
    seal: () => ({}),
    async sealBody({ sentAt, body }, [key], crypto) {
      const unsealed = parseJson(body) as { readonly signature: { readonly token: string } }
      const { token } = unsealed.signature
      const timestamp = writeStamp(sentAt, 'unix')
      const signature = toHex(await crypto.sign('hmac-sha256', key as Key, [timestamp, token]))
      return JSON.stringify({ ...unsealed, signature: { token, timestamp, signature } })
    },
    open(request) {
      const { token, timestamp, signature, 'parent-signature': parent } = signatureOf(request)
      const time = typeof timestamp === 'number' ? String(timestamp) : timestamp
      const sentAt = typeof time === 'string' && TIME.test(time) ? readStamp(time, 'unix') : undefined
      if (!sentAt)
        throw new WebhookVerificationError('malformed_timestamp', 'the body holds no Unix time that is signed')
      const given = [signature, parent].flatMap((one) => {
        const bytes = typeof one === 'string' && one.length === 64 ? fromHex(one) : undefined
        return bytes ? [{ algorithm: 'hmac-sha256' as const, bytes }] : []
      })
      return { proofs: [{ over: [[time as string, token as string]], given }], sentAt }
    },
    read(request) {
      const data = parseJson(request.body) as { readonly 'event-data'?: Fields | null } | null
      const { event: type, timestamp } = data?.['event-data'] ?? {}
      if (typeof type !== 'string') throw new PayloadError('payload_invalid', 'the body has no "event-data.event"')
      const { token: id, timestamp: time } = signatureOf(request)
      const sentAt = readStamp(time, 'unix')
      const occurredAt = typeof timestamp === 'number' ? readStamp(Math.floor(timestamp * 1000), 'unixMs') : undefined
      return { type, data, id: id as string, ...(sentAt && { sentAt }), ...(occurredAt && { occurredAt }) }
    },
  }
}

function signatureOf({ body }: RawRequest): Fields {
  const signature = signatureIn(body)
  const { token, signature: text } = signature ?? {}
  if (typeof text === 'string' && text && typeof token === 'string' && TOKEN.test(token)) return signature as Fields
  throw new WebhookVerificationError('missing_header', 'the body holds no signature')
}

function signatureIn(body: RawRequest['body']): Fields | undefined {
  try {
    return (parseJson(body) as { readonly signature?: Fields } | null)?.signature
  } catch {
    return undefined
  }
}
