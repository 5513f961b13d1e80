/** The part of a NATS connection that is used: of `@nats-io/transport-node`, of `@nats-io/nats-core`, or of `nats`. */
export interface NatsClient {
  publish(subject: string, payload?: Uint8Array): void
  subscribe(
    subject: string,
    options: { queue?: string; callback?: (error: Error | null, message: { data: Uint8Array }) => void },
  ): { unsubscribe(): void }
  /** Resolves when the server has had everything. */
  flush(): Promise<void>
  isClosed(): boolean
  /** What happens to the connection. */
  status(): AsyncIterable<NatsStatus>
}

/** Something that happened to the connection. What came of a permission is in `error`, or in `nats` in `permissionContext`. */
export interface NatsStatus {
  readonly type: string
  readonly error?: unknown
  readonly permissionContext?: unknown
}
