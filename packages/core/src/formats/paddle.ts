import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'

/**
 * Paddle Billing: `Paddle-Signature: ts=<unix s>;h1=<hex>[;h1=...]`, each `h1` an HMAC-SHA256 of `ts:body`. The key is the
 * text of the notification destination's secret (`pdl_ntfset_...`). There are several `h1` while a secret is rotated; other
 * versions are ignored.
 *
 * Every attempt is stamped anew. Paddle's libraries allow 5 seconds, which a slow network or a clock a little off uses up,
 * and no future bound; here it is five minutes either way, and deduplication refuses repeats in that time.
 *
 * `type`, `id` (`event_id`, which a replay keeps, unlike `notification_id`) and `occurredAt` are in the signed body. `data` is
 * the whole notification. Paddle waits 5 s, and tries again for 3 days (15 minutes in the sandbox).
 *
 * Paddle Classic (`p_signature`) is another scheme, and not this one.
 *
 * Source: https://developer.paddle.com/webhooks/about/signature-verification
 */
export function paddle(): WireFormat {
  return hmacFormat({
    name: 'paddle',
    secret: 'text',
    body: {
      event_id: part.messageId,
      event_type: part.type,
      occurred_at: part.occurredAt('iso'),
      data: part.data,
    },
    reads: 'body',
    signature: {
      header: 'paddle-signature',
      fields: { sentAt: 'ts', signature: 'h1', separator: ';' },
      over: [part.sentAt('unix'), ':', part.body],
    },
  })
}
