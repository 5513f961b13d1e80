import { PayloadError } from '../errors.ts'
import type { WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { part } from '../parts.ts'
import type { Bytes } from '../seams.ts'
import { fieldOf, isForm, readForm } from './form.ts'

/**
 * GitHub: `X-Hub-Signature-256: sha256=<hex>`, an HMAC-SHA256 of the body, whose key is the secret's text. No time is
 * signed, so there is no window. `type` is `X-GitHub-Event` (`push`), `id` is `X-GitHub-Delivery`; neither is signed.
 * Both content types that GitHub offers are read, JSON and the form with a `payload`.
 *
 * GitHub waits 10 s and does not retry by itself; a redelivery by hand has the same id.
 *
 * Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function github(): WireFormat {
  const format = hmacFormat({
    name: 'github',
    // Its owner chooses it.
    secret: { grammar: 'text', minBytes: 8 },
    body: part.data,
    headers: { 'x-github-event': part.type, 'x-github-delivery': part.messageId },
    signature: { header: 'x-hub-signature-256', prefix: 'sha256=' },
  })
  return {
    ...format,
    read: (request) => format.read(isForm(request.body) ? { ...request, body: payload(request.body) } : request),
  }
}

function payload(body: Bytes): Bytes {
  const text = fieldOf(readForm(body), 'payload')
  if (text === undefined) throw new PayloadError('payload_invalid', 'the form has no field "payload"')
  return new TextEncoder().encode(text)
}
