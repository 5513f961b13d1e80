import {
  type Bytes,
  type Content,
  type HeaderBag,
  type HooksError,
  joinBytes,
  type KeySet,
  type RawRequest,
  type VerificationCode,
  WebhookVerificationError,
} from '@hooks/core'

/** A request whose signature holds. Only `receiver.verify` makes one. */
export interface VerifiedMessage<Type extends string = string, Data = unknown> {
  readonly type: Type
  /** As the body has it; for a handler, as its schema gives it. */
  readonly data: Data
  /** The id on the wire: the same for every attempt of one message. */
  readonly id?: string | undefined
  readonly occurredAt?: Date | undefined
  readonly sentAt?: Date | undefined
  readonly tenant?: string | undefined
  /** The sender's count of its attempts, from 1. */
  readonly attempt?: number | undefined
  /** Which secret fitted: its index, `'0'` for the first. */
  readonly keyId: string
  /** `none` where the format's signature does not cover the body, as with a static token. */
  readonly integrity: 'signed' | 'none'
  /** The bytes as they came. */
  readonly body: Bytes
}

/** What is known of a request: its bytes, the keys, which secret fitted, what it says. Each comes after the one before. */
export interface Seen {
  raw?: RawRequest
  /** Of all live secrets. */
  keys?: readonly KeySet[]
  keyId?: string
  content?: Content
}

/** A request whose signature holds, parsed. */
export type Proved = Required<Seen>

/** What is read of a body that is not wanted, in bytes: more than the largest that GitHub sends, 25 MB. */
const MOST_DROPPED = 2 ** 25

/**
 * The bytes of a fetch `Request`: at most one chunk more than `limit`, and none where it was read before. Never its
 * text: that loses a byte order mark and whatever is not UTF-8, and both are signed. What ends soon by its own account is
 * read to its end, and dropped: many senders listen only once they have said all, and would hear a reset else.
 */
export async function readBody({ body, bodyUsed, headers }: Request, limit: number): Promise<Bytes | undefined> {
  if (bodyUsed || body?.locked) return undefined
  const declared = Number(headers.get('content-length'))
  const chunks: Bytes[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    if (length <= limit) chunks.push(chunk)
    length += chunk.length
    if (length > limit && !(length <= declared && declared <= MOST_DROPPED)) break
  }
  return joinBytes(chunks)
}

/**
 * The bytes of a request, if they are bytes, not too many, and not compressed.
 *
 * @throws WebhookVerificationError `body_unavailable`, `body_too_large`, `body_incomplete`, `content_encoding`
 */
export function checkBody(body: unknown, headers: HeaderBag, limit: number): Bytes {
  if (!ArrayBuffer.isView(body)) {
    throw new WebhookVerificationError('body_unavailable', undefined, {
      hint: 'give the receiver the raw body, before anything parses it',
    })
  }
  // A limit that is no number lets nothing through.
  if (!(body.byteLength <= limit)) throw new WebhookVerificationError('body_too_large')
  if (/^(identity)?$/i.test(headers.find('content-encoding') ?? '')) return body as Bytes
  throw new WebhookVerificationError('content_encoding')
}

/** @throws WebhookVerificationError what the rejection of a body's reader means: where it does not say it, the body broke off */
export function refuseUnread(error: unknown): never {
  // A stream can break off without saying anything.
  const { code, message, hint }: HooksError<VerificationCode> = Object(error)
  throw new WebhookVerificationError(/^body_/.test(code) ? code : 'body_incomplete', message, { hint })
}
