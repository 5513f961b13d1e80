import type { RawRequest, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'

/**
 * Shopify: `X-Shopify-Hmac-Sha256: <base64>`, an HMAC-SHA256 of the body, whose key is the text of the app's secret. No time is
 * signed, so there is no window: retries go on for 4 hours. `type` is the topic (`orders/create`), `id` is
 * `X-Shopify-Webhook-Id`, the same for every attempt; `tenant` is the shop's domain. None of the three is signed, and all shops
 * of an app have one secret: what must belong to the shop is to be checked against the body.
 *
 * The newer events are read too: their headers are the same without the `X-`.
 *
 * Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https; headers: @shopify/shopify-api 15.0.0
 */
export function shopify(): WireFormat {
  const webhooks = describe('x-shopify-')
  const events = describe('shopify-')
  const of = ({ headers }: RawRequest) =>
    headers.find('x-shopify-hmac-sha256') === undefined && headers.find('shopify-hmac-sha256') ? events : webhooks
  return {
    ...webhooks,
    open: (request) => of(request).open(request),
    read: (request) => of(request).read(request),
  }
}

const describe = (prefix: string) =>
  hmacFormat({
    name: 'shopify',
    secret: 'text',
    body: part.data,
    headers: {
      [`${prefix}topic`]: part.type,
      [`${prefix}webhook-id`]: part.messageId,
      [`${prefix}shop-domain`]: part.tenant,
      [`${prefix}triggered-at`]: part.occurredAt('iso'),
    },
    signature: { header: `${prefix}hmac-sha256`, encoding: 'base64' },
  })
