import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'
import { BATCH, batchFormat, type Fields, idText } from './batch.ts'

/**
 * LINE's Messaging API: `x-line-signature`, base64 of an HMAC-SHA256 of the body whose key is the text of the channel secret.
 * No time is signed, so there is no window.
 *
 * A request holds several events: it is one message of the type `events`, and `data` is the whole body, `{ destination, events }`.
 * Its `id` is the `webhookEventId` of each, which a redelivery keeps (`deliveryContext.isRedelivery` is then true). The console's
 * "Verify" button sends no events at all; it is answered, and no handler sees it.
 *
 * LINE waits 2 s. It tries again only where redelivery is turned on.
 *
 * Source: https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature
 */
export function line(): WireFormat {
  const format = hmacFormat({
    name: 'line',
    secret: 'text',
    type: BATCH,
    body: part.data,
    signature: { header: 'x-line-signature', encoding: 'base64' },
    window: null,
  })
  return {
    ...batchFormat(format, {
      events: (body) => (body as Fields | null)?.events,
      body: (events, { message }) => ({ destination: message.tenant, events }),
      idOf: ({ webhookEventId }) => idText(webhookEventId),
      defaults: ({ message }, id) => ({
        webhookEventId: id,
        mode: 'active',
        timestamp: message.occurredAt.getTime(),
        deliveryContext: { isRedelivery: false },
      }),
    }),
    reply({ content, outcome }) {
      const { events } = (content?.data ?? {}) as { events?: readonly unknown[] }
      return outcome === undefined && events?.length === 0 ? { status: 200 } : undefined
    },
  }
}
