import {
  type Contract,
  type DeliveryView,
  type MessageRecord,
  type OutgoingDelivery,
  platformCrypto,
} from '@hooks/core'
import { composedAs } from './payload.ts'

/** A delivery's request, as far as everybody may see it. */
export interface DeliveryRequest {
  /** Null where the endpoint is gone. */
  readonly url: string | null
  /** Those that the format gives, without the signature; the times in them are those of the last attempt. */
  readonly headers: Readonly<Record<string, string>>
  /** As it is sent; null where the payload is no longer kept, or nothing can be made of it. */
  readonly body: string | null
  /** The data in the body: all of it, its identifiers or as of a version, as its endpoint wanted it; undefined without a body. */
  readonly data: unknown
  /** When what it tells of happened. */
  readonly occurredAt: Date
}

/** What the format makes of a delivery. Bodies do not change from attempt to attempt, so it is what was sent. */
export async function requestOf(
  { format, events }: Contract,
  { id, endpointId, tenant, variant, attempts, last, createdAt }: DeliveryView,
  { id: messageId, type, occurredAt, data, expired }: MessageRecord,
  url: string | null,
): Promise<DeliveryRequest> {
  const nothing = { url, headers: {}, body: null, data: undefined, occurredAt }
  if (expired) return nothing
  const stored: OutgoingDelivery = {
    message: { id: messageId, type, occurredAt, tenant, data },
    endpoint: { id: endpointId, url: url ?? '' },
    delivery: { id },
  }
  let delivery: OutgoingDelivery
  try {
    delivery = composedAs(stored, variant, events)
  } catch {
    // A function of the catalog fails, as it does when the delivery is attempted: its log says so.
    return nothing
  }
  const { body, contentType } = format.compose(delivery)
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const headers: Record<string, string> = { 'content-type': contentType }
  if (format.wire) {
    // A secret of nobody's: the signature is left out, and is the one header that depends on it.
    const keys = format.keys(format.newSecret(new Uint8Array(32)), 'sign')
    const attempt = { ...delivery, attempt: Math.max(1, attempts), sentAt: last?.at ?? createdAt, body: bytes }
    const signature = format.wire.signature.header.toLowerCase()
    for (const [name, value] of Object.entries(await format.seal(attempt, keys, platformCrypto())))
      if (name.toLowerCase() !== signature) headers[name] = value
  }
  return {
    url,
    headers,
    body: typeof body === 'string' ? body : new TextDecoder().decode(body),
    data: JSON.parse(delivery.message.data),
    occurredAt,
  }
}
