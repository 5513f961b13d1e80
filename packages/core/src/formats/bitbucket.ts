import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'

/**
 * Bitbucket, Cloud and Data Center: `X-Hub-Signature: sha256=<hex>`, an HMAC-SHA256 of the body, whose key is the secret's text.
 * No time is signed, so there is no window. `type` is `X-Event-Key` (`repo:push`), `id` is `X-Request-UUID` (Data Center:
 * `X-Request-Id`), `attempt` is `X-Attempt-Number`; none of them is signed.
 *
 * Source: https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
 */
export function bitbucket(): WireFormat {
  const cloud = describe('x-request-uuid')
  const dataCenter = describe('x-request-id')
  return {
    ...cloud,
    read: (request) => (request.headers.find('x-request-uuid') ? cloud : dataCenter).read(request),
  }
}

const describe = (idHeader: string) =>
  hmacFormat({
    name: 'bitbucket',
    // Its owner chooses it.
    secret: { grammar: 'text', minBytes: 8 },
    body: part.data,
    headers: { 'x-event-key': part.type, [idHeader]: part.messageId, 'x-attempt-number': part.attempt },
    signature: { header: 'x-hub-signature', prefix: 'sha256=' },
  })
