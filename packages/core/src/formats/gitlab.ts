import { type BodyTemplate, checkSpread, writeBody } from '../body-template.ts'
import type { Content, RawRequest, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part, readStamp } from '../parts.ts'
import { standardWebhooks } from '../standard-webhooks.ts'
import { readEvent, typeIn } from './event-body.ts'

/** Options of {@link gitlab}. */
export interface GitlabOptions {
  /** Whether the webhook has a signing token, `whsec_...`, in place of a secret token: false by default. */
  readonly signed?: boolean
}

const BODY: BodyTemplate = { object_kind: part.type, '...': part.data }

/**
 * GitLab. By default `X-Gitlab-Token`, which is the secret token itself: it proves who sends and nothing about what, so there is
 * no window, and messages have `integrity: 'none'`. `id` is `Idempotency-Key`, the same for every attempt, unsigned.
 *
 * With `signed`, for webhooks that have a signing token: Standard Webhooks (`webhook-id`, `-timestamp`, `-signature`), id and
 * body signed, five minutes either way.
 *
 * `type` is the body's `object_kind` (`merge_request`), of system hooks `event_name`; `data` is the whole body.
 *
 * Source: https://docs.gitlab.com/user/project/integrations/webhooks/; signing token:
 * https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944
 */
export function gitlab({ signed = false }: GitlabOptions = {}): WireFormat {
  return signed ? signingToken() : secretToken()
}

function secretToken(): WireFormat {
  return {
    ...hmacFormat({
      name: 'gitlab',
      // Its owner chooses it.
      secret: { grammar: 'text', minBytes: 8 },
      body: BODY,
      headers: { 'idempotency-key': part.messageId },
      signature: { header: 'x-gitlab-token', token: true },
    }),
    read: (request) => readHook(request, request.headers.find('idempotency-key')),
  }
}

function signingToken(): WireFormat {
  return {
    ...standardWebhooks(),
    name: 'gitlab',
    check: (type, data) => checkSpread(BODY, type, data),
    compose: (delivery) => ({ body: writeBody(BODY, delivery), contentType: 'application/json' }),
    read(request) {
      const sentAt = readStamp(request.headers.find('webhook-timestamp'), 'unix')
      return { ...readHook(request, request.headers.find('webhook-id')), ...(sentAt && { sentAt }) }
    },
  }
}

function readHook({ body }: RawRequest, id: string | undefined): Content {
  const data = readEvent(body)
  return { type: typeIn(data.object_kind ?? data.event_name), data, ...(id && { id }) }
}
