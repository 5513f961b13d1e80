import type { OutgoingDelivery } from '../format.ts'
import type { MaybePromise, Ms } from '../seams.ts'
import type { Applied, ClaimOptions, Lease, Leases } from './lease.ts'

/**
 * Where a sender keeps everything. An adapter implements the semantics of data, never retries, signing or HTTP.
 * Every method is one transaction, all or nothing, and safe to call again after a lost answer. Failures reject
 * with a `StorageError`. `storageSuite` of `@hooks/sender/testing` is this contract as tests.
 */
export interface Storage<Tx = unknown> extends Outbox<Tx>, Deliveries {
  readonly facts: {
    /** Whose clock decides what is due. */
    readonly clock: 'database' | 'injected'
    /** Whether several processes may share it. */
    readonly processes: 'one' | 'many'
    /** How a host's transaction runs: `sync` handles need `sendSync`; `none` has no transactions. */
    readonly tx: 'async' | 'sync' | 'none'
  }
  readonly endpoints: Endpoints<Tx>
  readonly history: History
  readonly schema: Schema
  /** Lets go of connections of its own. The host's handle stays open. Idempotent. */
  close(): Promise<void>
}

/** Messages that are sent, and not yet matched with endpoints. */
export interface Outbox<Tx> {
  /**
   * Stores messages, each with its outbox mark, all or none. With `tx`: in that transaction and through nothing
   * else, with no BEGIN or COMMIT of its own. On a synchronous handle it has run, or thrown, when it returns.
   *
   * A message whose id is there already is the same call again: `created`. One whose idempotency key is there
   * already for its tenant, within {@link NewMessage.idempotencyKeepMs}, is a `duplicate` of the first message (its
   * id is returned) if type and data are equal, else a `conflict`; neither stores anything.
   */
  put(messages: readonly NewMessage[], tx?: Tx): MaybePromise<readonly PutResult[]>
  /** Committed messages whose mark is due, oldest first. It locks and changes nothing. */
  unexpanded(limit: number): Promise<readonly StoredMessage[]>
  /**
   * Per message: removes its mark AND inserts its deliveries, or does nothing, because another did. Deliveries
   * are due at once and their lanes ready. For an endpoint that is disabled by now the delivery is recorded as
   * `skipped` (`endpoint_disabled`), for one that is gone nothing is.
   */
  expand(
    expansions: readonly { readonly messageId: string; readonly deliveries: readonly NewDelivery[] }[],
  ): Promise<void>
}

export interface NewMessage {
  readonly id: string
  readonly type: string
  readonly tenant: string
  readonly occurredAt: Date
  /** JSON text. It is stored as text: a JSON column would reorder and renumber it. */
  readonly data: string
  readonly idempotencyKey?: string
  /** How long the key is remembered. */
  readonly idempotencyKeepMs?: Ms
  /** Only endpoints of one of these channels. */
  readonly channels?: readonly string[]
  /** Only these endpoints. */
  readonly endpoints?: readonly string[]
  /** From now, by the store's clock: matched and delivered no earlier. */
  readonly dueInMs?: Ms
}

export interface PutResult {
  readonly id: string
  readonly outcome: 'created' | 'duplicate' | 'conflict'
}

export interface StoredMessage extends Omit<NewMessage, 'dueInMs' | 'idempotencyKeepMs'> {
  readonly createdAt: Date
}

export interface NewDelivery {
  readonly id: string
  readonly endpointId: string
}

/**
 * Deliveries, scheduled by lane: one row an endpoint, which says when the endpoint is next ready.
 *
 * `claim` takes ready lanes in the order in which they became ready, and of each at most its free capacity (its
 * cap less what is leased), oldest due first. A lane with more due goes behind the lanes that are ready already,
 * so that a bulk send of one endpoint never stands before the others.
 */
export interface Deliveries extends Leases<DeliveryLease, DeliveryOutcome> {
  claim(
    options: ClaimOptions & {
      /** In flight per endpoint over all workers, where its lane has no cap of its own. */
      readonly cap: number
      /** Only lanes that are failing, or only those that are not. */
      readonly failing?: boolean
    },
  ): Promise<readonly DeliveryLease[]>
  /** Changes lanes. What is left out of a change stays as it is. */
  hold(changes: readonly LaneChange[]): Promise<void>
  /**
   * Ends up to `limit` open deliveries that are not in flight, or, where the selector names `states` with
   * `sending`, those too (their attempts settle as stale). Returns how many it ended.
   */
  retire(selector: Selector, to: Retirement, limit: number): Promise<number>
  /**
   * Makes deliveries due now with the whole schedule before them: same row, same id, same bytes. Ended ones are
   * open again, those that wait for a retry stop waiting. It leaves alone and counts those in flight, those whose
   * payload is gone, and those whose endpoint is disabled or gone. Ids ascending, from after `cursor`.
   */
  revive(selector: Selector, limit: number, cursor?: string): Promise<Revival>
  /** How much is waiting. */
  depth(): Promise<Depth>
}

export interface DeliveryLease extends Lease {
  readonly delivery: OutgoingDelivery
  readonly endpoint: Endpoint
  /** Attempts finished under the present schedule: 0 for a new delivery, and again after a resend. */
  readonly step: number
  /** Since it was created or resent, by the store's clock. */
  readonly ageMs: Ms
  readonly trigger: Trigger
}

/** Why an attempt is made: by schedule, or because a person asked. */
export type Trigger = 'schedule' | 'manual'

export type DeliveryOutcome =
  /** `retryInMs` counts from now, by the store's clock. */
  | { readonly result: 'retry'; readonly retryInMs: Ms; readonly attempt: AttemptReport }
  | { readonly result: 'delivered'; readonly attempt: AttemptReport }
  /** Without `attempt` nothing was sent, and nothing is counted. */
  | { readonly result: 'failed' | 'skipped' | 'cancelled'; readonly reason: string; readonly attempt?: AttemptReport }

/** What an attempt found. */
export interface AttemptReport {
  readonly ms: Ms
  /** The HTTP status, where there was an answer. */
  readonly status?: number
  /** A stable code, where there was none. */
  readonly error?: string
  /** One sentence on it, for the endpoint's owner. */
  readonly detail?: string
  /** The beginning of the response, as text. */
  readonly response?: string
  readonly trigger: Trigger
}

/** An attempt as it is logged. One whose worker died has the error `lost` and the number of the attempt that it would have been. */
export interface AttemptRecord extends AttemptReport {
  readonly n: number
  readonly at: Date
}

export interface LaneChange {
  readonly endpointId: string
  /** Nothing is claimed for this long; `Infinity` until lifted; null lifts; undefined leaves it. Never shortens a longer hold. */
  readonly forMs?: Ms | null
  /** A cap of its own; null for the default. */
  readonly cap?: number | null
  readonly failing?: boolean
}

export interface Retirement {
  readonly state: 'cancelled' | 'skipped' | 'failed'
  readonly reason: string
}

export interface Revival {
  readonly revived: number
  readonly inFlight: number
  readonly expired: number
  readonly blocked: number
  /** Where to go on; undefined at the end. */
  readonly next?: string
}

export interface Depth {
  /** Messages not yet matched. */
  readonly unexpanded: number
  /** Open deliveries that could be claimed now, but for caps and holds. */
  readonly due: number
  readonly open: number
  readonly oldestDueMs: Ms | null
  readonly heldEndpoints: number
}

/** A customer's URL as it is stored. */
export interface NewEndpoint {
  readonly id: string
  readonly tenant: string
  readonly url: string
  /** Event types and patterns; null for all. */
  readonly filters: readonly string[] | null
  readonly channels: readonly string[] | null
  readonly state: 'enabled' | 'disabled'
  /** Why it is disabled. */
  readonly reason: string | null
  readonly name: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly secrets: readonly StoredSecret[]
  /** What later versions add, by name. */
  readonly settings: Readonly<Record<string, unknown>>
}

/** A secret as it is stored, newest first. */
export interface StoredSecret {
  /** The key of the keyring that sealed it; null where it is stored as it is. */
  readonly keyId: string | null
  readonly sealed: string
  /** When it stops signing; null for the current one. */
  readonly signsUntil: Date | null
}

export interface Endpoint extends NewEndpoint {
  /** Raised by every change: an update names the one that it read. */
  readonly rev: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface Endpoints<Tx> {
  get(tenant: string, id: string, tx?: Tx): Promise<Endpoint | null>
  /** By id, ascending: the oldest first. */
  list(tenant: string, page: Page): Promise<Paged<Endpoint>>
  /** All of these tenants, in one read: matching happens in TypeScript. */
  forTenants(tenants: readonly string[]): Promise<readonly Endpoint[]>
  /** Stores an endpoint and its lane, unless the tenant has `limit` already, however many are created at once. The same id again is `applied`. */
  create(endpoint: NewEndpoint, limit: number, tx?: Tx): Promise<'applied' | 'limit'>
  /**
   * Replaces all but id and tenant where `rev` is still the stored one. A disabled endpoint keeps its lane: what is
   * still open there is claimed when it is due, and its lease says that the endpoint is disabled.
   */
  update(endpoint: NewEndpoint, rev: number, tx?: Tx): Promise<Applied>
  /** Removes it and its lane, and ends what is still open as `cancelled` (`endpoint_deleted`). Its history stays. */
  remove(tenant: string, id: string, tx?: Tx): Promise<Applied>
}

export interface Page {
  /** From a page's `next`. */
  readonly cursor?: string
  readonly limit: number
}

export interface Paged<T> {
  readonly data: readonly T[]
  /** Undefined on the last page. */
  readonly next?: string
}

/** Which deliveries, or messages. All that is given must hold. */
export interface Selector {
  readonly tenant: string
  readonly delivery?: string
  readonly endpoint?: string
  readonly message?: string
  readonly states?: readonly DeliveryState[]
  readonly types?: readonly string[]
  /** Created at or after. */
  readonly since?: Date
  /** Created before. */
  readonly until?: Date
}

/** `sending` is in flight, `pending` has not been tried, `retrying` waits; the others are ends. */
export type DeliveryState = 'pending' | 'sending' | 'retrying' | 'delivered' | 'failed' | 'cancelled' | 'skipped'

export interface DeliveryView {
  readonly id: string
  readonly messageId: string
  readonly endpointId: string
  readonly tenant: string
  readonly type: string
  readonly state: DeliveryState
  readonly reason: string | null
  /** HTTP requests that ended. */
  readonly attempts: number
  /** The last attempt that ended. */
  readonly last: AttemptRecord | null
  /** While it waits for one. */
  readonly nextAttemptAt: Date | null
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

/** A message as history has it. */
export interface MessageRecord extends StoredMessage {
  /** Its data is no longer kept, and is an empty text here. */
  readonly expired: boolean
  /** It was matched with endpoints: it has no outbox mark any more. */
  readonly expanded: boolean
}

export interface History {
  message(tenant: string, id: string): Promise<MessageRecord | null>
  /** Newest first. Of the selector, `message`, `types`, `since` and `until` apply. */
  messages(selector: Selector, page: Page): Promise<Paged<MessageRecord>>
  delivery(tenant: string, id: string): Promise<DeliveryView | null>
  /** Newest first. */
  deliveries(selector: Selector, page: Page): Promise<Paged<DeliveryView>>
  /** Oldest first. */
  attempts(tenant: string, deliveryId: string): Promise<readonly AttemptRecord[]>
  /** How many deliveries are in each state. */
  stats(selector: Selector): Promise<Readonly<Record<DeliveryState, number>>>
  /**
   * Forgets, in chunks of at most `limit` rows: payloads of messages that are older and have no open delivery,
   * ended deliveries with their attempts that are older. Idempotency keys that have run out go along.
   */
  prune(
    what: { readonly payloadsBefore?: Date; readonly historyBefore?: Date },
    limit: number,
  ): Promise<{
    readonly removed: number
    readonly more: boolean
  }>
}

export interface Schema {
  /** Reads the version, changes nothing. */
  check(): Promise<{ readonly version: number; readonly expected: number; readonly installation: string }>
  /** The steps after version `from`, as plain statements. */
  migrations(from?: number): readonly Migration[]
  /** Brings the database to the expected version. Safe from many processes at once. */
  migrate(): Promise<void>
}

export interface Migration {
  readonly id: number
  /** `expand` can run before the new code does, `contract` only after the old code is gone. */
  readonly phase: 'expand' | 'contract'
  readonly sql: readonly string[]
}
