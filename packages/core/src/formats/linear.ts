import { WebhookVerificationError } from '../errors.ts'
import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { parseJson } from '../json.ts'
import { part, readStamp } from '../parts.ts'
import { type Fields, readEvent, typeIn } from './event-body.ts'

const HOUR = 3_600_000

/**
 * Linear: `Linear-Signature: <hex>`, an HMAC-SHA256 of the body, keyed by the secret's text. The time is in the signed body:
 * `webhookTimestamp`, in milliseconds. `id` is `Linear-Delivery`, which is not signed. `type` is the entity's (`Issue`); `data` is
 * the whole event, with its `action`, `data` and `updatedFrom`.
 *
 * A retry has the bytes of the first attempt, and so its time. Linear retries after a minute, an hour and six hours: a window of 60
 * seconds, as in its SDK, refuses every retry. Here it is 8 hours, and deduplication keeps replays out.
 *
 * Source: https://linear.app/developers/webhooks; https://github.com/vercel/eve/issues/1570
 */
export function linear(): WireFormat {
  const format = hmacFormat({
    name: 'linear',
    secret: 'text',
    body: { type: part.type, webhookTimestamp: part.occurredAt('unixMs'), '...': part.data },
    headers: { 'linear-delivery': part.messageId },
    signature: { header: 'linear-signature' },
    window: { maxAgeMs: 8 * HOUR, maxFutureMs: HOUR / 12 },
  })
  return {
    ...format,
    facts: { ...format.facts, sentAt: 'signed' },
    open: (request) => ({
      ...format.open(request),
      // Read once the signature holds: no stranger makes us parse.
      get sentAt() {
        return sentAt(parseJson(request.body) as Fields | null)
      },
    }),
    read({ headers, body }) {
      const data = readEvent(body)
      const id = headers.find('linear-delivery')
      const occurredAt = readStamp(data.createdAt, 'iso')
      return {
        type: typeIn(data.type),
        data,
        ...(id && { id }),
        sentAt: sentAt(data),
        ...(occurredAt && { occurredAt }),
      }
    },
  }
}

function sentAt(event: Fields | null): Date {
  const time = readStamp(event?.webhookTimestamp, 'unixMs')
  if (time) return time
  throw new WebhookVerificationError('malformed_timestamp', 'the body has no "webhookTimestamp"')
}
