import type { RawRequest, WireFormat } from '../format.ts'
import { standardWebhooks } from '../standard-webhooks.ts'
import { standardBody } from './standard-body.ts'

/**
 * Svix, and those who send with it (Clerk, Resend, ...): Standard Webhooks with headers named `svix-id`, `svix-timestamp` and
 * `svix-signature`; those named `webhook-` are taken too. Secrets, scheme and window are those of `standardWebhooks`: every
 * attempt is stamped anew, five minutes either way. The id is signed.
 *
 * `type` is the body's; `data` is the whole body, which is the sender's own: `{ type, data, ... }` for most.
 *
 * Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
 */
export function svix(): WireFormat {
  const own = { ...standardWebhooks({ prefix: 'svix' }), ...standardBody('svix') }
  const standard = { ...standardWebhooks(), ...standardBody('webhook') }
  const of = ({ headers }: RawRequest) =>
    headers.find('svix-id') === undefined && headers.find('webhook-id') ? standard : own
  return {
    ...own,
    name: 'svix',
    open: (request) => of(request).open(request),
    read: (request) => of(request).read(request),
  }
}
