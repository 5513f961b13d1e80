import type { RawRequest, WireFormat } from '../format.ts'
import { checkOptions, kind } from '../options.ts'
import { standardWebhooks } from '../standard-webhooks.ts'
import { standardBody } from './standard-body.ts'

/** Options of {@link svix}. */
export interface SvixOptions {
  /**
   * The field of the body that holds the event type: `type` by default. Svix itself sends none, and leaves the body to its
   * customers: some call it `event` or `eventType`.
   */
  readonly type?: string
}

/**
 * Svix, and those who send with it (Clerk, Resend, ...): Standard Webhooks with headers named `svix-id`, `svix-timestamp` and
 * `svix-signature`; those named `webhook-` are taken too. Secrets, scheme and window are those of `standardWebhooks`: every
 * attempt is stamped anew, five minutes either way. The id is signed.
 *
 * `type` is the body's, or that of the field that `options.type` names; `data` is the whole body, which is the sender's
 * own: `{ type, data, ... }` for most.
 *
 * @throws ConfigurationError `option_invalid`
 *
 * Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
 */
export function svix(options: SvixOptions = {}): WireFormat {
  checkOptions(options, { of: 'svix', kinds: { type: kind.text } })
  const own = { ...standardWebhooks({ prefix: 'svix' }), ...standardBody('svix', options.type) }
  const standard = { ...standardWebhooks(), ...standardBody('webhook', options.type) }
  const of = ({ headers }: RawRequest) =>
    headers.find('svix-id') === undefined && headers.find('webhook-id') ? standard : own
  return {
    ...own,
    name: 'svix',
    open: (request) => of(request).open(request),
    read: (request) => of(request).read(request),
  }
}
