import {
  type Clock,
  type CryptoBackend,
  type HeadersInput,
  headerBag,
  isHooksError,
  joinBytes,
  type OutgoingAttempt,
  type OutgoingDelivery,
  platformCrypto,
  type RawRequest,
  verifyRequest,
  type Window,
  type WireFormat,
} from '@hooks/core'

const encoder = new TextEncoder()

export const utf8 = (text: string): Uint8Array => encoder.encode(text)

/** A clock that stands still, `unixSeconds` after 1970. */
export const standingClock = (unixSeconds: number): Clock => ({
  now: () => new Date(unixSeconds * 1000),
  monotonic: () => 0,
  sleep: () => Promise.resolve(),
})

export const request = (
  headers: HeadersInput,
  body: Uint8Array | string,
  rest: Partial<RawRequest> = {},
): RawRequest => ({
  method: 'POST',
  url: 'https://receiver.example/hooks',
  ...rest,
  headers: headerBag(headers),
  body: typeof body === 'string' ? utf8(body) : body,
})

export interface Receiver {
  readonly format: WireFormat
  /** The secrets' texts, newest first; the outcome names the one that fitted by its place. */
  readonly secrets: readonly string[]
  /** The receiver's time, in seconds after 1970. */
  readonly now: number
  readonly window?: Window | undefined
  readonly crypto?: CryptoBackend
}

/** The index of the secret that fitted, or the code of the refusal. Anything but our own errors is rethrown. */
export const outcomeOf = async (receiver: Receiver, received: RawRequest): Promise<string> => {
  const { format, secrets, now, window = format.window, crypto = platformCrypto() } = receiver
  try {
    const sets = secrets.map((secret, i) => ({ keyId: String(i), keys: format.keys(secret, 'verify') }))
    return await verifyRequest(format, sets, received, standingClock(now), crypto, window)
  } catch (error) {
    if (isHooksError(error)) return error.code
    throw error
  }
}

/** The code of what `act` throws or rejects with. */
export const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (isHooksError(error)) return error.code
    throw error
  }
  return 'accepted'
}

export const delivery = (rest: Partial<OutgoingDelivery['message']> = {}): OutgoingDelivery => ({
  message: {
    id: 'msg_1',
    type: 'booking.created',
    occurredAt: new Date('2024-01-15T10:30:00Z'),
    tenant: 'acme',
    data: '{"id":1}',
    ...rest,
  },
  endpoint: { id: 'ep_1', url: 'https://receiver.example/hooks' },
  delivery: { id: 'dlv_1' },
})

/** The request of one attempt, as it goes over the wire. */
export const send = async (
  format: WireFormat,
  secrets: readonly string[],
  sent: OutgoingDelivery,
  { attempt = 1, sentAt = new Date('2024-01-15T10:30:00Z'), crypto = platformCrypto() } = {},
): Promise<{
  readonly headers: Record<string, string>
  readonly body: Uint8Array
  readonly attempt: OutgoingAttempt
}> => {
  const { body } = format.compose(sent)
  const bytes = typeof body === 'string' ? utf8(body) : body
  const full: OutgoingAttempt = { ...sent, attempt, sentAt, body: bytes }
  const keys = secrets.flatMap((secret) => format.keys(secret, 'sign'))
  const headers = { ...(await format.seal(full, keys, crypto)) }
  const sealed = await format.sealBody?.(full, keys, crypto)
  return { headers, body: sealed === undefined ? bytes : joinBytes([sealed]), attempt: full }
}
