import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'

/**
 * Sanity's GROQ-powered webhooks: `sanity-webhook-signature: t=<unix ms>,v1=<base64url without padding>`, an HMAC-SHA256 of
 * `t.body` whose key is the text of the secret that the webhook's owner chose.
 *
 * Sanity's library looks at no window. Retries are over a minute after the first attempt (two, 30 seconds apart), so five
 * minutes either way are enough, whether they are stamped anew or not.
 *
 * The body is the webhook's projection, whatever it is, and is `data`. `type` is the header `sanity-operation` (`create`,
 * `update`, `delete`), `id` the header `idempotency-key`, the same for every attempt: neither is signed. To act on the kind of
 * change, put it into the projection: `"operation": delta::operation()`.
 *
 * Source: https://www.sanity.io/docs/webhooks, `@sanity/webhook`,
 * https://www.sanity.io/docs/changelog/50ec6abf-fe0c-475b-ae72-314148860132 (retries)
 */
export function sanity(): WireFormat {
  return hmacFormat({
    name: 'sanity',
    // Its owner chooses it.
    secret: { grammar: 'text', minBytes: 8 },
    body: part.data,
    headers: { 'sanity-operation': part.type, 'idempotency-key': part.messageId },
    signature: {
      header: 'sanity-webhook-signature',
      encoding: 'base64url',
      fields: { sentAt: 't', signature: 'v1' },
      over: [part.sentAt('unixMs'), '.', part.body],
    },
  })
}
