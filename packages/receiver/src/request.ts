import {
  type Bytes,
  type Content,
  type HeaderBag,
  type HooksError,
  type InboundFormat,
  joinBytes,
  type RawRequest,
  type ReceivedRequest,
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

/** It parses at the first look into the content: who needs the bytes alone pays for no parse. */
export class LazyMessage implements VerifiedMessage {
  readonly keyId: string
  readonly integrity: 'signed' | 'none'
  readonly body: Bytes
  readonly #format: InboundFormat
  readonly #raw: RawRequest
  /** The content, once it was asked for and is good. */
  parsed: Content | undefined

  constructor(format: InboundFormat, raw: RawRequest, keyId: string) {
    this.#format = format
    this.#raw = raw
    this.keyId = keyId
    this.body = raw.body
    this.integrity = format.facts.body === 'signed' ? 'signed' : 'none'
  }
  /** @throws PayloadError `payload_invalid` */
  get content(): Content {
    return (this.parsed ??= this.#format.read(this.#raw))
  }
  get type() {
    return this.content.type
  }
  get data() {
    return this.content.data
  }
  get id() {
    return this.content.id
  }
  get occurredAt() {
    return this.content.occurredAt
  }
  get sentAt() {
    return this.content.sentAt
  }
  get tenant() {
    return this.content.tenant
  }
  get attempt() {
    return this.content.attempt
  }
}

/**
 * The bytes of a fetch `Request`, of which it never reads more than `limit`. Never its text: that loses a byte order
 * mark and whatever is not UTF-8, and both are signed.
 *
 * @throws WebhookVerificationError `body_unavailable`, `body_too_large`; where the stream breaks off, what the stream throws
 */
export async function readBody({ body, bodyUsed, headers }: Request, limit: number): Promise<Bytes> {
  if (bodyUsed || body?.locked) throw unavailable()
  checkSize(Number(headers.get('content-length')), limit)
  const chunks: Bytes[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    checkSize(length, limit)
    chunks.push(chunk)
  }
  return joinBytes(chunks)
}

/**
 * The bytes of a request, once they are known to be bytes, few enough, and not compressed.
 *
 * @throws WebhookVerificationError `body_unavailable`, `body_too_large`, `body_incomplete`, `content_encoding`
 */
export async function takeBody(body: ReceivedRequest['body'], headers: HeaderBag, limit: number): Promise<Bytes> {
  let bytes: unknown = body
  if (typeof body === 'function') {
    try {
      bytes = await body()
    } catch (error) {
      const { code, message, hint } = error as HooksError<VerificationCode>
      throw new WebhookVerificationError(/^body_/.test(code) ? code : 'body_incomplete', message, { hint })
    }
  }
  if (!ArrayBuffer.isView(bytes)) throw unavailable()
  checkSize(bytes.byteLength, limit)
  if (/^(identity)?$/i.test(headers.find('content-encoding') ?? '')) return bytes as Bytes
  throw new WebhookVerificationError('content_encoding', 'the body is compressed')
}

/** Written so that a limit that is no number lets nothing through. */
function checkSize(length: number, limit: number): void {
  if (!(length <= limit)) throw new WebhookVerificationError('body_too_large', `the body has more than ${limit} bytes`)
}

function unavailable(): WebhookVerificationError {
  return new WebhookVerificationError('body_unavailable', 'the bytes of the body are gone', {
    hint: 'hand over what was received, before anything parses it',
  })
}
