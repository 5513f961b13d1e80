import { type Contract, type DeliveryView, platformCrypto } from '@hooks/core'
import type { MessageView } from '@hooks/sender'

/** A delivery's request, as far as everybody may see it. */
export interface ShownRequest {
  /** Null where the endpoint is gone. */
  readonly url: string | null
  /** Those that the format gives, without the signature; the times in them are those of the last attempt. */
  readonly headers: Readonly<Record<string, string>>
  /** As it is sent; null once the payload is no longer kept. */
  readonly body: string | null
}

/** What the format makes of a delivery. Bodies do not change from attempt to attempt, so it is what was sent. */
export async function requestOf(
  { format }: Contract,
  { id, endpointId, tenant, attempts, last, createdAt }: DeliveryView,
  { id: messageId, type, occurredAt, data }: MessageView,
  url: string | null,
): Promise<ShownRequest> {
  if (data === undefined) return { url, headers: {}, body: null }
  const delivery = {
    message: { id: messageId, type, occurredAt, tenant, data: JSON.stringify(data) },
    endpoint: { id: endpointId, url: url ?? '' },
    delivery: { id },
  }
  const { body, contentType } = format.compose(delivery)
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const headers: Record<string, string> = { 'content-type': contentType }
  if (format.wire) {
    // A secret of nobody's: the signature is left out, and is the one header that depends on it.
    const keys = format.keys(format.newSecret(new Uint8Array(32)), 'sign')
    const attempt = { ...delivery, attempt: Math.max(1, attempts), sentAt: last?.at ?? createdAt, body: bytes }
    const signature = format.wire.signature.header.toLowerCase()
    for (const [name, value] of Object.entries(await format.seal(attempt, keys, platformCrypto())))
      if (name.toLowerCase() !== signature) headers[name] = value
  }
  return { url, headers, body: typeof body === 'string' ? body : new TextDecoder().decode(body) }
}
