import type { Content, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part, readStamp } from '../parts.ts'
import type { Bytes } from '../seams.ts'
import { isAcknowledged } from './acknowledged.ts'
import { type Fields, object, readEvent, typeIn } from './event-body.ts'
import { fieldOf, formFields, isForm, readForm } from './form.ts'

/**
 * Slack: `X-Slack-Signature: v0=<hex>`, an HMAC-SHA256 of `v0:<X-Slack-Request-Timestamp>:<body>` (Unix seconds), keyed by
 * the signing secret's text. Every attempt is stamped anew; five minutes is Slack's own advice.
 *
 * `type` and `id` are in the signed body: for the Events API the inner event's type (`app_mention`) and `event_id`; for
 * interactions the payload's type (`block_actions`), for slash commands `slash_command`, both with `trigger_id`. `data` is the
 * whole body: the fields of a slash command, the `payload` of an interaction. `attempt` is `X-Slack-Retry-Num` + 1, unsigned.
 *
 * A command's URL is now and then asked for its certificate, by a form with `ssl_check=1` and no signature. That is answered with
 * an empty 200, as Bolt does; its outcome stays `missing_header`, and no handler sees it.
 *
 * A signed `url_verification` is answered with its challenge, and no handler sees it. What was taken is answered with an empty
 * 200: Slack shows the body of an answer to whoever gave a command, and one that it does not know as an error of a modal. Slack
 * waits 3 s, and tries again three times.
 *
 * Source: https://docs.slack.dev/authentication/verifying-requests-from-slack,
 * https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response,
 * https://slack.dev/bolt-python/api-docs/slack_bolt/middleware/ssl_check/index.html
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
        ...(isForm(request.body) ? readInteraction(request.body) : readCallback(request.body)),
        ...(sentAt && { sentAt }),
        ...(retries && /^\d{1,4}$/.test(retries) && { attempt: Number(retries) + 1 }),
      }
    },
    reply({ request, content, outcome }) {
      if (isAcknowledged(outcome)) return { status: 200 }
      if (outcome === 'missing_header') return isCertificateCheck(request.body) ? { status: 200 } : undefined
      const { challenge } = (content?.data ?? {}) as Fields
      if (outcome !== undefined || content?.type !== 'url_verification' || typeof challenge !== 'string')
        return undefined
      return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: challenge }
    },
  }
}

function readCallback(body: Bytes): Content {
  const data = readEvent(body)
  const type = data.type === 'event_callback' ? object(data.event, 'the event').type : data.type
  const occurredAt = readStamp(data.event_time, 'unix')
  return content(type, data, data.event_id, occurredAt && { occurredAt })
}

function readInteraction(body: Bytes): Content {
  const form = readForm(body)
  const payload = fieldOf(form, 'payload')
  const data = payload === undefined ? formFields(form) : readEvent(new TextEncoder().encode(payload))
  const kinds: Fields = { command: 'slash_command', ssl_check: 'ssl_check' }
  const type = payload !== undefined ? data.type : kinds[Object.keys(kinds).find((field) => field in data) ?? '']
  return content(type, data, data.trigger_id)
}

/** Whoever sent it: a 200 tells a stranger nothing. @throws PayloadError `payload_invalid` where it is no form */
function isCertificateCheck(body: Bytes): boolean {
  return isForm(body) && fieldOf(readForm(body), 'ssl_check') === '1'
}

function content(type: unknown, data: Fields, id: unknown, more?: Partial<Content>): Content {
  return { type: typeIn(type), data, ...(typeof id === 'string' && { id }), ...more }
}
