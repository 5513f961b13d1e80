import type { RawRequest, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'
import { BATCH, batchFormat, idText } from './batch.ts'

/**
 * HubSpot, version 3: `X-HubSpot-Signature-v3`, base64 of an HMAC-SHA256 of method, URL, body and `X-HubSpot-Request-Timestamp`
 * (Unix milliseconds), with nothing between them. The key is the text of the app's client secret. The URL is the app's target
 * URL: give it as the receiver's public URL. HubSpot signs it with some escapes decoded (`%40` as `@`); both spellings are
 * taken. Five minutes are HubSpot's own bound, for the past; here they bound the future too.
 *
 * A request holds up to 100 events: it is one message of the type `events`, and `data` is the array. HubSpot says that an
 * `eventId` is not unique, so an event is known by account, subscription, event id and time (`portalId`, `subscriptionId`,
 * `eventId`, `occurredAt`), and the message's `id` is those of all. HubSpot waits 5 s, and tries again 10 times in 24 hours.
 *
 * Versions 1 and 2 (`X-HubSpot-Signature`) sign no time, and are not read.
 *
 * Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
 */
export function hubspot(): WireFormat {
  const format = hmacFormat({
    name: 'hubspot',
    secret: 'text',
    type: BATCH,
    body: part.data,
    headers: { 'x-hubspot-request-timestamp': part.sentAt('unixMs') },
    signature: {
      header: 'x-hubspot-signature-v3',
      encoding: 'base64',
      over: [part.method, part.url, part.body, part.header('x-hubspot-request-timestamp')],
    },
  })
  return {
    ...batchFormat(format, {
      events: (body) => body,
      body: (events) => events,
      idOf: ({ portalId, subscriptionId, eventId, occurredAt }) =>
        idText(eventId) && [portalId, subscriptionId, eventId, occurredAt].map((one) => idText(one) ?? '').join(':'),
      defaults: ({ message }, id) => ({ eventId: id, occurredAt: message.occurredAt.getTime(), attemptNumber: 0 }),
    }),
    open(request) {
      const opened = format.open(request)
      const url = decodeUrl(request)
      if (url === request.url) return opened
      const over = [opened, format.open({ ...request, url })].flatMap(({ proofs }) => proofs.flatMap((one) => one.over))
      return { ...opened, proofs: opened.proofs.map((proof) => ({ ...proof, over })) }
    },
  }
}

/** The escapes that HubSpot decodes before it signs, by its documents' table. */
const DECODED = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi

function decodeUrl({ url }: RawRequest): string {
  return url.replace(DECODED, (one) => decodeURIComponent(one))
}
