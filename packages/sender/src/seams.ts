import type { Bytes, Ms } from '@hooks/core'

/** One address that a name resolved to. `ttlMs` is how long the answer may be used again. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
  readonly ttlMs: Ms
}

/** Names to addresses. The default asks c-ares, because `dns.lookup` shares four threads with the whole process. */
export interface Resolver {
  /** Every address of `host`, A and AAAA. Rejects where there is none. */
  resolve(host: string, signal: AbortSignal): Promise<readonly ResolvedAddress[]>
}

/** One POST, ready to leave. */
export interface TransportRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Bytes
  /** When the attempt must be over, by the monotonic clock, counted from before DNS to the status line. */
  readonly deadline: Ms
}

/** What came of a request. `sent` tells whether a byte of it can have reached the receiver. */
export type Answer = { readonly ms: Ms; readonly sent: boolean } & (
  | {
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      /** The first bytes of the response, never inflated. */
      readonly body: Bytes
      /** The receiver had more to say than was kept, or broke off. */
      readonly truncated: boolean
    }
  | {
      /** A stable code, such as `connect_timeout`. */
      readonly error: string
      /** One sentence for the endpoint's owner. It names no address of the sender's network. */
      readonly detail: string
    }
)

/** The network. It never rejects: every failure is an {@link Answer} with an `error`. */
export interface Transport {
  send(request: TransportRequest): Promise<Answer>
  /** Closes idle connections. In-flight requests end first. */
  close?(): Promise<void>
}
