import type { Content, InboundFormat, RawRequest } from '@hooks/core'
import type { Proved, VerifiedMessage } from './request.ts'

/** What was proved, as a message. It is parsed at the first look into it: who needs the bytes alone pays for no parse. */
export class LazyMessage implements VerifiedMessage {
  declare readonly keyId: string
  declare readonly integrity: VerifiedMessage['integrity']
  readonly #format: InboundFormat
  readonly #raw: RawRequest
  #read: Content | undefined

  constructor(format: InboundFormat, { raw, keyId }: Omit<Proved, 'content'>, integrity: VerifiedMessage['integrity']) {
    this.integrity = integrity
    this.#format = format
    this.#raw = raw
    this.keyId = keyId
  }
  /** @throws PayloadError `payload_invalid`; WebhookVerificationError `missing_header` */
  private get content(): Content {
    return (this.#read ??= this.#format.read(this.#raw))
  }
  get body() {
    return this.#raw.body
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
  /** For a queue or a log: its parts are no properties of its own. The bytes are left out, for what they say is there. */
  toJSON() {
    return { ...this, ...this.content }
  }
}
