import { toHex } from '../encoding.ts'
import type { Key, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'
import type { Bytes } from '../seams.ts'
import type { Fields } from './event-body.ts'

/**
 * Zoom: `x-zm-signature: v0=<hex>`, an HMAC-SHA256 of `v0:<x-zm-request-timestamp>:<body>` (Unix seconds), keyed by the text of
 * the secret token. Zoom names no window; five minutes either way is the one of those whose scheme this is, Slack.
 *
 * `type` is the body's `event` (`meeting.started`); `data` is the whole event. There is no id: to deduplicate, give the receiver
 * an `idempotencyKey`, such as the event's `event_ts` with the meeting's uuid.
 *
 * A signed `endpoint.url_validation`, which comes at setup and every 72 hours, is answered, and no handler sees it. Zoom waits 3 s.
 *
 * Source: https://developers.zoom.us/docs/api/webhooks/
 */
export function zoom(): WireFormat {
  return {
    ...hmacFormat({
      name: 'zoom',
      secret: 'text',
      body: { event: part.type, event_ts: part.occurredAt('unixMs'), '...': part.data },
      reads: 'body',
      headers: { 'x-zm-request-timestamp': part.sentAt('unix') },
      signature: {
        header: 'x-zm-signature',
        prefix: 'v0=',
        over: ['v0:', part.header('x-zm-request-timestamp'), ':', part.body],
      },
    }),
    reply({ content, outcome, keys: [key] }, crypto) {
      if (outcome !== undefined || content?.type !== 'endpoint.url_validation') return undefined
      const { plainToken } = ((content.data as Fields).payload ?? {}) as Fields
      if (typeof plainToken !== 'string') return undefined
      const answer = (made: Bytes) => ({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ plainToken, encryptedToken: toHex(made) }),
      })
      const made = crypto.sign('hmac-sha256', key as Key, [plainToken])
      return made instanceof Promise ? made.then(answer) : answer(made)
    },
  }
}
