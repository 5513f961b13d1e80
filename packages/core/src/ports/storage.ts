import type { OutgoingDelivery } from '../format.ts'
import type { MaybePromise, Ms } from '../seams.ts'
import type { Applied, ClaimOptions, Lease, LeaseRef, Leases } from './lease.ts'

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
    /**
     * What this port asks for and the storage does not do yet. The suite reports the cases as unsupported, and the
     * sender refuses what it would need.
     */
    readonly lacks?: readonly Capability[]
  }
  readonly endpoints: Endpoints<Tx>
  readonly history: History
  readonly jobs: Jobs
  readonly schema: Schema
  /** Lets go of connections of its own. The host's handle stays open. Idempotent. */
  close(): Promise<void>
}

/**
 * A part of the port that a storage may lack: counters on lanes, ordering keys, rates, shares of a claim, deliveries
 * added later, jobs, expunging, pages by offset with totals.
 */
export type Capability = 'health' | 'order' | 'rate' | 'shares' | 'replay' | 'jobs' | 'expunge' | 'pages'

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
   *
   * A message with an ordering key never overtakes one of its tenant and key that was put before it: while the mark of
   * such a one is there, and is not of this very call, it is left as it is, mark and all, and the next `unexpanded`
   * finds it. What its deliveries wait for is told at {@link Deliveries}.
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
  /**
   * Of two messages of one tenant and key, the one whose transaction was committed before the other was put is ended at
   * an endpoint before the other starts there. Messages of concurrent transactions have no order. Never together with
   * `dueInMs`.
   */
  readonly orderingKey?: string
  /** How long, at most, it waits at each endpoint for the one before it; undefined for as long as that takes. */
  readonly orderingWaitMs?: Ms
}

export interface PutResult {
  readonly id: string
  readonly outcome: 'created' | 'duplicate' | 'conflict'
}

export interface StoredMessage extends Omit<NewMessage, 'dueInMs' | 'idempotencyKeepMs' | 'orderingWaitMs'> {
  readonly createdAt: Date
}

export interface NewDelivery {
  readonly id: string
  readonly endpointId: string
  /** How its body is composed, as its endpoint wanted it when it was matched: kept, and given back with each lease. */
  readonly variant?: string
}

/**
 * Deliveries, scheduled by lane: one row an endpoint, which says when the endpoint is next ready.
 *
 * `claim` takes ready lanes in the order in which they became ready, and of each at most its free capacity (its
 * cap less what is leased), oldest due first. A lane with more due goes behind the lanes that are ready already,
 * so that a bulk send of one endpoint never stands before the others.
 *
 * All that decides when a lane is ready stands in its row, and so holds exactly, however many workers there are:
 *
 * - **pause** and **hold**: nothing is claimed until they are over.
 * - **cap**: 1 while it is `probing`; else the lane's own `cap`; else its endpoint's `settings.concurrency`; else the
 *   one that the claim names.
 * - **rate**: with `settings.perSecond` = r, one claim takes at most what is free, and more is free every 1000/r ms. What
 *   was not used is kept for `max(1, floor(r / 20))` at most, so any second sees at most 5 % more than r (or one more).
 *   Kept as one number, the time from which the next one is free; a release gives nothing back.
 *
 * **Order.** The open deliveries of one endpoint and ordering key are a chain, by the order in which their messages were
 * put. The first is due like any other; the next waits until the first has ended, for `orderingWaitMs` at most
 * from when it became the next; the others have no due time. When the first ends, in whatever way, the next is due at
 * once and is the first. When the wait is over before that, the next is due all the same: once it is claimed the one
 * before it is out of the chain, and goes on without an order. One that waits counts as `pending`.
 */
export interface Deliveries extends Leases<DeliveryLease, DeliveryOutcome> {
  claim(
    options: ClaimOptions & {
      /** In flight per endpoint over all workers, where its lane has no cap of its own. */
      readonly cap: number
      /** Only lanes that are failing, or only those that are not. */
      readonly failing?: boolean
      /** At most this many of lanes that are failing. Lanes are still taken in ready order; once it is reached, failing ones are passed over. */
      readonly failingLimit?: number
      /**
       * Nobody's endpoints fill the worker while others wait: of one tenant at most `most` less what it has `running` at
       * the worker already (by tenant; 0 where it is not named). Only where the limit is not reached with that is
       * what was passed over taken as well, in ready order.
       */
      readonly tenants?: { readonly most: number; readonly running: Readonly<Record<string, number>> }
    },
  ): Promise<readonly DeliveryLease[]>
  /**
   * As {@link Leases.settle}, and in the same transaction the health of the lanes. Of what is applied, an attempt
   * with trigger `schedule` that failed (`retry` or `failed`) adds 1 to `failures` and sets the times, and a `failed`
   * one adds 1 to `exhausted`. A success, whatever its trigger, ends all that: both are 0, the times null, `failing` and
   * `probing` false, `warned` 0; the lane's cap and hold stay. What was lost, failed by hand, or ended without an
   * attempt feeds nothing.
   */
  settle(settlements: readonly (LeaseRef & DeliveryOutcome)[]): Promise<readonly Applied[]>
  /**
   * Changes lanes, in the order given. What is left out of a change stays as it is. `stale` where nothing changed: the
   * endpoint is gone, or all was so already. So of several workers that find the same, one alone is told `applied`.
   */
  hold(changes: readonly LaneChange[]): Promise<readonly Applied[]>
  /** The lanes of these endpoints, in no order; without those that are gone. */
  lanes(endpointIds: readonly string[]): Promise<readonly Lane[]>
  /**
   * Inserts deliveries for messages that were expanded before, due at once, with the trigger `manual` for their first
   * attempt and no place in an order. Left out are those whose endpoint has a delivery of the message already, is
   * disabled, gone or another tenant's, and those whose payload is gone. Returns how many it inserted.
   */
  add(
    deliveries: readonly { readonly messageId: string; readonly deliveries: readonly NewDelivery[] }[],
  ): Promise<number>
  /**
   * Ends up to `limit` open deliveries that are not in flight, or, where the selector names `states` with
   * `sending`, those too (their attempts settle as stale). Returns how many it ended.
   */
  retire(selector: Selector, to: Retirement, limit: number): Promise<number>
  /**
   * Makes deliveries due now with the whole schedule before them: same row, same id, same bytes. Ended ones are
   * open again, those that wait for a retry stop waiting. It leaves alone and counts those in flight, those whose
   * payload is gone, and those whose endpoint is disabled or gone. Ids ascending, from after `cursor`. An ended one has
   * no place in an order any more, and one that waits for another leaves it. With `dryRun` it only counts.
   */
  revive(selector: Selector, limit: number, cursor?: string, dryRun?: boolean): Promise<Revival>
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
  /** Of {@link NewDelivery.variant}. */
  readonly variant: string | null
  /** The lane as it was when this was claimed. */
  readonly lane: Lane
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
  /** One at a time, whatever the cap: to see with one request whether an endpoint is well again. A success ends it. */
  readonly probing?: boolean
  /** Nothing is claimed until it is false again. A hold beside it is neither ended nor begun. */
  readonly paused?: boolean
  /** How far the owner has been warned; see {@link Lane.warned}. */
  readonly warned?: number
}

/** The row by which an endpoint is scheduled, as it is seen. */
export interface Lane {
  readonly endpointId: string
  /** 0 where it is not held; Infinity where it is held until lifted. */
  readonly heldForMs: Ms
  readonly paused: boolean
  readonly probing: boolean
  readonly failing: boolean
  /** Its own cap, where it has one. */
  readonly cap: number | null
  /** Scheduled attempts that failed since the last success. */
  readonly failures: number
  /** Deliveries that a scheduled attempt ended as failed since the last success. */
  readonly exhausted: number
  /** The first of those failures and the latest, by the store's clock; null where there is none. */
  readonly firstFailureAt: Date | null
  readonly lastFailureAt: Date | null
  /** What the owner has been told since the last success, as a number that the sender gives a meaning; 0 for nothing. */
  readonly warned: number
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
  /** The time by the store's clock. */
  readonly at: Date
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
  /** How it is served. A storage keeps it as JSON, and reads of it what {@link LaneSettings} names. */
  readonly settings: LaneSettings & Readonly<Record<string, unknown>>
}

/** The settings of an endpoint that its lane obeys, from the moment that they are stored. */
export interface LaneSettings {
  /** In flight at once over all workers, where the lane has no cap of its own. */
  readonly concurrency?: number | null
  /** Attempts a second over all workers, above 0 and perhaps a fraction. */
  readonly perSecond?: number | null
}

/** A secret as it is stored, newest first. */
export interface StoredSecret {
  /** The key of the keyring that sealed it; null where it is stored as it is. */
  readonly keyId: string | null
  readonly sealed: string
  /** When it begins to sign; left out where it does already. */
  readonly signsFrom?: Date
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
  /** By id, ascending: the oldest first. Those of all tenants where `tenant` is null. */
  list(tenant: string | null, page: Page, filter?: EndpointFilter): Promise<Paged<Endpoint>>
  /** All of these tenants, in one read: matching happens in TypeScript. */
  forTenants(tenants: readonly string[]): Promise<readonly Endpoint[]>
  /** Stores an endpoint and its lane, unless the tenant has `limit` already, however many are created at once. The same id again is `applied`. */
  create(endpoint: NewEndpoint, limit: number, tx?: Tx): Promise<'applied' | 'limit'>
  /**
   * Replaces all but id and tenant where `rev` is still the stored one. A disabled endpoint keeps its lane: what is
   * still open there is claimed when it is due, and its lease says that the endpoint is disabled. One that is enabled
   * again starts afresh: not held, not failing, not probing, no cap of its own, its health as after a success. It stays
   * paused if it was.
   */
  update(endpoint: NewEndpoint, rev: number, tx?: Tx): Promise<Applied>
  /** Removes it and its lane, and ends what is still open as `cancelled` (`endpoint_deleted`). Its history stays. */
  remove(tenant: string, id: string, tx?: Tx): Promise<Applied>
}

/** Which endpoints. */
export interface EndpointFilter {
  readonly state?: 'enabled' | 'disabled'
}

export interface Page {
  /** From a page's `next`. */
  readonly cursor?: string
  readonly limit: number
  /** How many to pass over first. It costs as much as reading them: cursors do not. Not together with `cursor`. */
  readonly offset?: number
  /** Counts all that there are, whatever the page. */
  readonly total?: boolean
}

export interface Paged<T> {
  readonly data: readonly T[]
  /** Undefined on the last page. */
  readonly next?: string
  /** How many there are on all pages; only where it was asked for. */
  readonly total?: number
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
  /** Of {@link NewDelivery.variant}. */
  readonly variant: string | null
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
   * Messages of the selector that were expanded and of which its `endpoint`, which must be given, has no delivery:
   * oldest first, from after `cursor`. Of the selector, `tenant`, `types`, `since` and `until` apply beside it.
   */
  undelivered(selector: Selector & { readonly endpoint: string }, page: Page): Promise<Paged<MessageRecord>>
  /**
   * Removes every trace of a message, or, where none is named, of a tenant: messages with payloads, keys and marks,
   * deliveries with attempts, open ones too (what is in flight settles as stale); of a tenant endpoints and jobs as well.
   * In chunks of at most `limit` rows: call it until `more` is false.
   */
  expunge(
    what: { readonly tenant: string; readonly message?: string },
    limit: number,
  ): Promise<{ readonly removed: number; readonly more: boolean }>
  /**
   * Forgets, in chunks of at most `limit` rows: payloads of messages that are older and have no open delivery,
   * ended deliveries with their attempts that are older, ended jobs that are older than `historyBefore`. Idempotency
   * keys that have run out go along.
   */
  prune(
    what: { readonly payloadsBefore?: Date; readonly historyBefore?: Date },
    limit: number,
  ): Promise<{
    readonly removed: number
    readonly more: boolean
  }>
}

/**
 * Work on many deliveries that goes on for long: in steps, each of them claimed, run and settled as anything else is. A
 * worker that dies leaves its step to another.
 */
export interface Jobs extends Leases<JobLease, JobOutcome> {
  /** Stores a job, due at once. The same id again changes nothing. */
  create(job: NewJob): Promise<void>
  get(tenant: string, id: string): Promise<Job | null>
  /** Newest first. */
  list(tenant: string, page: Page): Promise<Paged<Job>>
  /** Ends a job that is running. Its step under way settles as stale. `stale` where there is none such. */
  cancel(tenant: string, id: string): Promise<Applied>
}

export interface NewJob {
  readonly id: string
  readonly tenant: string
  readonly kind: string
  /** What it is to do; JSON. */
  readonly params: Readonly<Record<string, unknown>>
}

export interface Job extends NewJob {
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  /** Why it failed. */
  readonly reason: string | null
  /** Where the next step begins; null for the beginning. */
  readonly cursor: string | null
  /** Counts, by name, as of the last step. */
  readonly progress: Readonly<Record<string, number>>
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly finishedAt: Date | null
}

/** A step of a job. `attempt` counts the steps that were settled, and one. */
export interface JobLease extends Lease {
  readonly job: Job
}

/** What came of a step. A stale one changes nothing, whatever its result. */
export type JobOutcome =
  | {
      readonly result: 'continue'
      /** From now, by the store's clock. */
      readonly retryInMs: Ms
      readonly cursor: string | null
      readonly progress: Readonly<Record<string, number>>
    }
  | { readonly result: 'done'; readonly progress: Readonly<Record<string, number>> }
  | { readonly result: 'failed'; readonly reason: string; readonly progress: Readonly<Record<string, number>> }

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
