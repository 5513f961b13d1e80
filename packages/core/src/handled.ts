import type { HeadersInput } from './headers.ts'
import type { Bytes } from './seams.ts'

/** A request as a host hands it over. */
export interface ReceivedRequest {
  /** `POST` by default. */
  readonly method?: string
  /** As the host has it. Formats that sign the URL need the public one, to the letter. */
  readonly url?: string
  readonly headers: HeadersInput
  /**
   * The bytes as they came, before any parsing; or how to read them, which is called once, after the method was found
   * fit. A reader that cannot read rejects with an error whose `code` is `body_too_large`, `body_incomplete` or
   * `body_unavailable`; any other rejection counts as `body_incomplete`.
   */
  readonly body: Bytes | (() => Promise<Bytes | undefined>)
  /** Keeps the host alive until a promise settles, where it would sleep after the answer: `after` of Next.js, `ctx.waitUntil` of Workers. */
  readonly waitUntil?: (promise: Promise<unknown>) => void
}

/** What to answer. An adapter writes it out and adds nothing. */
export interface HandledRequest {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Empty for none. */
  readonly body: string
  /** What became of the request: `handled`, `duplicate`, `signature_mismatch`, ... The receiver's docs list them all. */
  readonly outcome: string
}

/** What an adapter needs of a receiver. `createReceiver` of `@hooks/receiver` makes one. */
export interface RequestHandler {
  /** Never rejects. */
  handle(request: ReceivedRequest): Promise<HandledRequest>
  /** The largest body that is read, in bytes. */
  readonly maxBodyBytes: number
}
