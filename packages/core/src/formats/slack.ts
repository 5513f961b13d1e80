import { PayloadError } from '../errors.ts'
import type { Content, RawRequest, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { parseJson } from '../json.ts'
import { part, readStamp } from '../parts.ts'
import { isForm, readForm } from './form.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Slack: `X-Slack-Signature: v0=<hex>`, an HMAC-SHA256 of `v0:<X-Slack-Request-Timestamp>:<body>` (Unix seconds), keyed by
 * the signing secret's text. Every attempt is stamped anew; five minutes is Slack's own advice.
 *
 * `type` and `id` are in the signed body: for the Events API the inner event's type (`app_mention`) and `event_id`; for
 * interactions the payload's type (`block_actions`), for slash commands `slash_command`, both with `trigger_id`. `data` is the
 * whole body: the fields of a slash command, the `payload` of an interaction. `attempt` is `X-Slack-Retry-Num` + 1, unsigned.
 *
 * A signed `url_verification` is answered with its challenge, and no handler sees it. Slack waits 3 s, and tries again three
 * times.
 *
 * Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function slack(): WireFormat {
  const format = hmacFormat({
    name: 'slack',
    secret: 'text',
    body: {
      type: 'event_callback',
      event_id: part.messageId,
      event_time: part.occurredAt('unix'),
      event: { type: part.type, '...': part.data },
    },
    headers: { 'x-slack-request-timestamp': part.sentAt('unix') },
    signature: {
      header: 'x-slack-signature',
      prefix: 'v0=',
      over: ['v0:', part.header('x-slack-request-timestamp'), ':', part.body],
    },
  })
  return {
    ...format,
    read(request) {
      const sentAt = readStamp(request.headers.find('x-slack-request-timestamp'), 'unix')
      const retries = request.headers.find('x-slack-retry-num')
      return {
        ...(isForm(request) ? readInteraction(request) : readEvent(request)),
        ...(sentAt && { sentAt }),
        ...(retries && /^\d{1,4}$/.test(retries) && { attempt: Number(retries) + 1 }),
      }
    },
    reply({ content, outcome }) {
      const { challenge } = (content?.data ?? {}) as Fields
      if (outcome !== undefined || content?.type !== 'url_verification' || typeof challenge !== 'string')
        return undefined
      return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: challenge }
    },
  }
}

function readEvent({ body }: RawRequest): Content {
  const data = object(parseJson(body))
  const { event_id: id, event_time: time } = data
  const type = data.type === 'event_callback' ? object(data.event).type : data.type
  const occurredAt = readStamp(time, 'unix')
  return content(type, data, id, occurredAt && { occurredAt })
}

function readInteraction(request: RawRequest): Content {
  const form = readForm(request)
  const payload = form.get('payload')
  const data = payload === null ? Object.fromEntries(form) : object(parseJson(new TextEncoder().encode(payload)))
  const type = payload !== null ? data.type : form.has('command') ? 'slash_command' : undefined
  return content(type, data, data.trigger_id)
}

function content(type: unknown, data: Fields, id: unknown, more?: Partial<Content>): Content {
  if (typeof type !== 'string') throw new PayloadError('payload_invalid', 'the body names no event type')
  return { type, data, ...(typeof id === 'string' && { id }), ...more }
}

function object(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new PayloadError('payload_invalid', 'the body is no object')
}
