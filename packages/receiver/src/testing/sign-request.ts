import {
  type Clock,
  joinBytes,
  newId,
  type OutgoingDelivery,
  platformCrypto,
  type Random,
  systemClock,
  systemRandom,
  type WireFormat,
} from '@hooks/core'

/** The message that {@link signRequest} makes a request of. */
export interface SignedMessage {
  readonly type: string
  /**
   * What the sender says of it, anything that JSON can hold, where the format has its place: Slack's inside `event`, Stripe's
   * beside `id` and `type`. An empty object by default.
   */
  readonly data?: unknown
  /** The body to the letter, in place of what the format composes: for bodies that no sender should send. */
  readonly body?: string | Uint8Array
  /** The message's id: a new one by default. */
  readonly id?: string
  /** The delivery's id, for formats that print it: made of the message's by default. */
  readonly deliveryId?: string
  readonly endpointId?: string
  /** When it is sent, by default. */
  readonly occurredAt?: Date
  /** Now by default. */
  readonly sentAt?: Date
  readonly tenant?: string
  /** 1 by default. */
  readonly attempt?: number
  /** The endpoint's URL, for formats that sign it. */
  readonly url?: string
  /**
   * One thing wrong with the request: `signature` is one by another secret, `timestamp` a time long past, `body` a byte
   * that was changed after signing, `duplicate` has every header of the format twice, as two lines that were joined. A
   * receiver can see it where the format has what is wrong: a signed time, a signed body (`facts`), headers of its own.
   */
  readonly invalid?: 'signature' | 'timestamp' | 'body' | 'duplicate'
  readonly clock?: Clock
  readonly random?: Random
}

/** A request as `receiver.handle` and `receiver.verify` take it, and `fetch`, but for its `url`. */
export interface SignedRequest {
  readonly method: 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** `Uint8Array<ArrayBuffer>`, where TypeScript has it: from 5.7 on. */
  readonly body: ReturnType<Uint8Array['slice']>
}

/**
 * An honest request, for tests of a receiver: what a sender with this format and this secret sends.
 *
 * @param secret one, or the live ones of a rotation, the newest first
 * @throws ConfigurationError `secret_*`
 * @example
 * const request = await signRequest(standardWebhooks(), secret, { type: 'booking.created', data: { id: '1' } })
 * expect((await receiver.handle(request)).outcome).toBe('handled')
 */
export async function signRequest(
  format: WireFormat,
  secret: string | readonly string[],
  message: SignedMessage,
): Promise<SignedRequest> {
  const { clock = systemClock, random = systemRandom } = message
  const longAgo = message.invalid === 'timestamp' ? new Date(clock.now().getTime() - LONG_AGO_MS) : undefined
  const sentAt = longAgo ?? message.sentAt ?? clock.now()
  const delivery = deliveryOf({ ...message, occurredAt: longAgo ?? message.occurredAt ?? sentAt })
  const composed = format.compose(delivery)
  const body = joinBytes([message.body ?? composed.body])
  const secrets = message.invalid === 'signature' ? [format.newSecret(random.bytes(32))] : [secret].flat()
  const keys = secrets.flatMap((one) => format.keys(one, 'sign'))
  const attempt = { ...delivery, attempt: message.attempt ?? 1, sentAt, body }
  const crypto = platformCrypto()
  const sealed = await format.seal(attempt, keys, crypto)
  // A body that was given stays as it is.
  const own = message.body === undefined ? await format.sealBody?.(attempt, keys, crypto) : undefined
  const sent = own === undefined ? body : joinBytes([own])
  return {
    method: 'POST',
    url: delivery.endpoint.url,
    headers: { 'content-type': composed.contentType, ...(message.invalid === 'duplicate' ? doubled(sealed) : sealed) },
    body: message.invalid === 'body' ? altered(sent) : sent,
  }
}

/** What a sender makes a request of: the message with all that it does not say. */
export function deliveryOf(message: SignedMessage): OutgoingDelivery {
  const { clock = systemClock, random = systemRandom, url = 'https://receiver.example/webhooks' } = message
  const id = message.id ?? newId('msg_', clock, random)
  return {
    message: {
      id,
      type: message.type,
      occurredAt: message.occurredAt ?? clock.now(),
      tenant: message.tenant ?? 'tenant',
      data: JSON.stringify(message.data ?? {}),
    },
    endpoint: { id: message.endpointId ?? 'ep_test', url },
    delivery: { id: message.deliveryId ?? `dlv_${id}` },
  }
}

/** Longer than any format's window. */
const LONG_AGO_MS = 30 * 86_400_000

/** As Node.js and fetch join two lines of one name. */
function doubled(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `${value}, ${value}`]))
}

/** One letter or digit in the middle made another; where there is none, a space at the end. */
function altered(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const changed = body.slice()
  const isWord = (byte: number) => /[0-9A-Za-z]/.test(String.fromCharCode(byte))
  const at = changed.findLastIndex(isWord)
  if (at < 0) return joinBytes([body, ' ']) as Uint8Array<ArrayBuffer>
  changed[at] = changed[at] === 0x31 ? 0x32 : 0x31
  return changed
}
