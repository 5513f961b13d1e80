import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'

/**
 * Stripe: `Stripe-Signature: t=<unix s>,v1=<hex>[,v1=...]`, each `v1` an HMAC-SHA256 of `t.body`. The key is the
 * secret's text, `whsec_` included. `v0` (test mode) and whatever else the header holds are ignored, as Stripe asks.
 *
 * Every attempt is stamped and signed anew, so five minutes are enough: Stripe's own default. Its libraries bound the
 * past alone; here the future is bound too. `id` (`evt_...`) and `type` are in the signed body. `data` is the whole event:
 * a `Stripe.Event`.
 *
 * Source: https://docs.stripe.com/webhooks#verify-manually
 */
export function stripe(): WireFormat {
  return hmacFormat({
    name: 'stripe',
    secret: 'text',
    body: {
      id: part.messageId,
      object: 'event',
      type: part.type,
      created: part.occurredAt('unix'),
      '...': part.data,
    },
    reads: 'body',
    signature: {
      header: 'stripe-signature',
      fields: { sentAt: 't', signature: 'v1' },
      over: [part.sentAt('unix'), '.', part.body],
    },
  })
}
