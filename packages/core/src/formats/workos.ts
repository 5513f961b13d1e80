import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'

/** The tolerance of WorkOS' libraries, which bound the past alone. */
const THREE_MINUTES = { maxAgeMs: 180_000, maxFutureMs: 180_000 }

/**
 * WorkOS: `WorkOS-Signature: t=<unix ms>, v1=<hex>`, an HMAC-SHA256 of `t.body` whose key is the secret's text. The time is in
 * milliseconds. It is that of the attempt, so three minutes are enough: the default of WorkOS' own libraries, here with a
 * bound on the future too.
 *
 * `type` (`event`, such as `dsync.user.created`), `id` and `occurredAt` (`created_at`) are in the signed body. `data` is the
 * whole event, as the Events API gives it.
 *
 * Source: https://workos.com/docs/events/data-syncing/webhooks
 */
export function workos(): WireFormat {
  return hmacFormat({
    name: 'workos',
    secret: 'text',
    body: {
      id: part.messageId,
      event: part.type,
      data: part.data,
      created_at: part.occurredAt('iso'),
    },
    reads: 'body',
    signature: {
      header: 'workos-signature',
      fields: { sentAt: 't', signature: 'v1' },
      over: [part.sentAt('unixMs'), '.', part.body],
    },
    window: THREE_MINUTES,
  })
}
