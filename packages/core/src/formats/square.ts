import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'

/**
 * Square: `x-square-hmacsha256-signature`, base64 of an HMAC-SHA256 of the notification URL and the body, with nothing between
 * them. The key is the text of the subscription's signature key. The URL is the one of the subscription, to the letter: give
 * it as the receiver's public URL.
 *
 * No time is signed, so there is no window: what is repeated is known by its `id` alone. `type`, `id` (`event_id`), `occurredAt`
 * (`created_at`) and `tenant` (`merchant_id`) are in the signed body. `data` is the whole notification.
 *
 * Square waits 10 s, and tries again for 24 hours.
 *
 * Source: https://developer.squareup.com/docs/webhooks/step3validate
 */
export function square(): WireFormat {
  return hmacFormat({
    name: 'square',
    secret: 'text',
    body: {
      merchant_id: part.tenant,
      type: part.type,
      event_id: part.messageId,
      created_at: part.occurredAt('iso'),
      data: part.data,
    },
    reads: 'body',
    signature: { header: 'x-square-hmacsha256-signature', encoding: 'base64', over: [part.url, part.body] },
    window: null,
  })
}
