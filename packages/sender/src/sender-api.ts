import type {
  Contract,
  Depth,
  Duration,
  EventDefinitions,
  EventInputs,
  Queue,
  Seams,
  Storage,
  WireFormat,
} from '@hooks/core'
import type { DeliveriesApi } from './deliveries.ts'
import type { Doorbell } from './doorbell.ts'
import type { EndpointsApi } from './endpoints-api.ts'
import type { KeyringOptions } from './keyring.ts'
import type { MessagesApi } from './messages.ts'
import type { OperationalEvent, OperationalListener } from './operational-events.ts'
import type { JobsApi, ReplayApi } from './replay-api.ts'
import type { Resolver, Transport } from './seams.ts'
import type { Outgoing, SendOptions, Sent } from './send.ts'

/** Options of `createSender`. */
export interface SenderOptions<D extends EventDefinitions, Tx> extends Partial<Seams> {
  readonly contract: Contract<D>
  readonly storage: Storage<Tx>
  /**
   * A doorbell between processes, such as `bullmqQueue(...)`: those that send ring, and those that work hear of it at
   * once. It carries no work, so whatever it does, nothing is lost and nothing repeated. None by default: work of other
   * processes is found by polling. The sender does not close it.
   */
  readonly queue?: Queue
  /** How messages with an `orderingKey` wait for each other at an endpoint. */
  readonly ordering?: {
    /** How long the next one waits for the one before: 1 h by default. */
    readonly wait?: Duration
    /** What comes then: `skip` lets the next one go past; `hold` goes on waiting. `skip` by default. */
    readonly onBlocked?: 'skip' | 'hold'
  }
  /** AES-256-GCM for secrets and headers of endpoints in the storage. Without it they are stored as they are. */
  readonly keyring?: KeyringOptions
  /**
   * A second format, whose headers are added for endpoints that have a secret for it (`alsoSign`): so that receivers can
   * change from an older signature to that of the contract. The body is that of the contract.
   */
  readonly alsoSign?: WireFormat
  /**
   * For development: http, loopback addresses, any port; and the log says which examples of the catalog do not fit their
   * schema. It refuses to start where `NODE_ENV` is `production`.
   */
  readonly dev?: boolean
  /** Requests in flight in this process: 100 by default. As many that were answered may wait for their settlement. */
  readonly concurrency?: number
  /** Requests in flight per endpoint, over all processes: 4 by default. */
  readonly endpointConcurrency?: number
  /** Endpoints per tenant: 100 by default. */
  readonly endpointLimit?: number
  /** How long a worker holds a delivery: 60 s by default. A crash delays what was in flight by no more. */
  readonly lease?: Duration
  /** The longest that due work of other processes stays unseen: 1 s by default. With a queue, 30 s spares the database. */
  readonly poll?: Duration
  /**
   * How long is kept what has been sent: payloads 30 d, ended deliveries with their attempts 90 d by default; false for
   * ever. Workers forget what is older, once an hour.
   */
  readonly retention?: { readonly payloads?: Duration | false; readonly attempts?: Duration | false }
  /** Private networks that may be sent to, such as `['10.1.0.0/16']`. None by default. */
  readonly allowPrivateNetworks?: readonly string[]
  /** Certificate authorities, in PEM, that are trusted beside the public ones. */
  readonly ca?: readonly string[]
  /** The `user-agent` header, where the format has none of its own. */
  readonly userAgent?: string
  /** The network. The sender does not close it. */
  readonly transport?: Transport
  readonly resolver?: Resolver
}

/** What `createSender` makes. `D` is the catalog, `Tx` the storage's transactions. */
export interface Sender<D extends EventDefinitions = EventDefinitions, Tx = unknown> {
  /**
   * Sends a message: checks it against the catalog and stores it, in the host's transaction where `tx` is given.
   * Matching, signing and delivering happen later, in a worker.
   *
   * @throws PayloadError `event_type_unknown`, `payload_invalid`, `payload_not_json`, `payload_too_large`, `idempotency_conflict`
   * @throws EndpointError `tenant_invalid`
   * @throws ConfigurationError `tx_unsupported`, `sender_closed`
   * @throws StorageError `storage_*`, `schema_*`
   */
  send<T extends keyof D & string>(type: T, data: EventInputs<D>[T], options: SendOptions<Tx>): Promise<Sent>
  /** Sends up to 1,000 messages, all or none, in one insert. @throws as `send` */
  sendMany(messages: readonly OutgoingOf<D>[], options?: { readonly tx?: Tx }): Promise<readonly Sent[]>
  /**
   * `send` for synchronous SQLite handles: it has written, or thrown, when it returns.
   *
   * @throws as `send`, and ConfigurationError `schema_async` where the schema validates asynchronously
   */
  sendSync<T extends keyof D & string>(type: T, data: EventInputs<D>[T], options: SendOptions<Tx>): Sent
  readonly endpoints: EndpointsApi<D, Tx>
  readonly messages: MessagesApi
  readonly deliveries: DeliveriesApi
  readonly recover: ReplayApi['recover']
  readonly replayMissing: ReplayApi['replayMissing']
  /** The jobs of `recover` and `replayMissing`. */
  readonly jobs: JobsApi
  /**
   * Seals every secret under the current key of the keyring: after a new key was added, and before an old one is taken
   * away. Returns how many endpoints it changed. @throws ConfigurationError `secret_sealed`, `storage_lacks`
   */
  rewrapSecrets(): Promise<number>
  /**
   * Removes every trace of a tenant: endpoints, messages, deliveries, jobs. In chunks, so what is sent meanwhile may stay.
   *
   * @throws ConfigurationError `storage_lacks`
   */
  expunge(tenant: string): Promise<void>
  /** Starts delivering in this process. Idempotent. */
  start(): void
  /**
   * Claims no more, lets what is in flight end (20 s), releases the rest. It is over within 21 s, also where the storage
   * answers no more: then what was in flight is done again when its lease is over. The sender cannot be used after it.
   * Idempotent.
   */
  stop(): Promise<void>
  /** For hosts without a process of their own (a cron route): delivers what is due, within `maxMs`, and returns. */
  drain(options: { readonly maxMs: number }): Promise<void>
  /**
   * Work may be due: looks now, not at the next poll. Where this process does not work, or is at its limit, it rings
   * for others, if there is a queue.
   */
  wake(): void
  /** Claims nothing more in this process until `resume`; what is in flight ends. Sending and matching go on. */
  pause(): void
  resume(): void
  health(): Promise<Health>
  /** Listens to what the sender tells its host. */
  on<E extends OperationalEvent>(name: E, listener: OperationalListener<E>): Sender<D, Tx>
}

/** A message of `sendMany`, typed by the catalog. */
export type OutgoingOf<D extends EventDefinitions> = {
  [T in keyof D & string]: Outgoing<T, EventInputs<D>[T]>
}[keyof D & string]

/** How a sender is doing. */
export interface Health extends Depth {
  readonly running: boolean
  /** By `pause`, in this process. */
  readonly paused: boolean
  /**
   * What this process lacks to make requests: `sender_resources` (sockets, memory, a name server) or `transport_closed`. Its
   * work is given back for others. Null where its last request was made.
   */
  readonly lacks: string | null
  /**
   * How far the storage's clock is ahead of this machine's, or behind it where it is below 0: at least so far, for the answer
   * was on its way for some of it. Signatures carry the machine's time. Warned of over 30 s.
   */
  readonly clockSkewMs: number
  /** Requests in flight in this process. */
  readonly inFlight: number
  /** When this process last asked for work, and got an answer. */
  readonly lastClaimAt: Date | null
  /** Only with a queue. `failing`: it failed within the last minute, and has not been seen to work since. */
  readonly queue?: Doorbell['state']
}
