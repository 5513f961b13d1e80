import type { Bytes, MaybePromise, Ms } from '../seams.ts'
import type { Applied, ClaimOptions, Lease, LeaseRef, Leases } from './lease.ts'
import type { Page, Paged } from './storage/page.ts'

/** What became of a key that was to be claimed. */
export type Begun =
  | { readonly state: 'claimed'; readonly lease: Lease }
  | { readonly state: 'completed' }
  | { readonly state: 'in_progress'; readonly retryInMs: Ms }

/**
 * Remembers which messages were handled. A key is claimed for a lease before its work, completed after it, and
 * kept for a retention; lease and retention are two times. Every method is one atomic step. Failures reject with
 * a `StorageError`. `inboxSuite` of `@hooks/receiver/testing` is this contract as tests.
 */
export interface IdempotencyStore<Tx = unknown> {
  readonly facts: {
    readonly clock: 'database' | 'injected'
    readonly processes: 'one' | 'many'
    readonly tx: 'async' | 'sync' | 'none'
    /** There on an {@link Inbox}, and on nothing else. */
    readonly inbox?: true
    /** There where keys are forgotten once their retention is over, by themselves: `prune` has nothing to do. */
    readonly expires?: true
  }
  /**
   * Claims `key` for `leaseMs`. A key whose lease ended without completion is claimed anew, under another token. It
   * never waits for another holder: that is `in_progress`, with what is left of the lease; a holder in a transaction
   * that is not over counts as one. With `tx`, the claim is part of that transaction: once it rolls back, it was never
   * made, so there is no `abandon` in one. Where `facts.tx` is `none`, a `tx` is `tx_unsupported`.
   */
  begin(key: string, options: { readonly leaseMs: Ms; readonly tx?: Tx }): MaybePromise<Begun>
  /**
   * The work is done: the key counts as completed for `keepMs` from now. `stale` where the lease was lost to another.
   * Under the same token it is applied again, so that a caller can repeat it after a lost answer. A lease that is over
   * and was taken by nobody may still be completed.
   */
  complete(lease: LeaseRef, options: { readonly keepMs: Ms; readonly tx?: Tx }): MaybePromise<Applied>
  /** The work failed: the key is free at once, and its token with it. A completed key is left alone: `stale`. */
  abandon(lease: LeaseRef): MaybePromise<Applied>
  /** The work goes on: the lease lasts `leaseMs` from now. A completed key is left alone: `stale`. */
  extend(lease: LeaseRef, leaseMs: Ms): MaybePromise<Applied>
  /** Whether `key` was completed within `withinMs`. It claims nothing. */
  completedWithin(key: string, withinMs: Ms): MaybePromise<boolean>
  /** Forgets up to `limit` keys whose retention is over. Nothing that waits, is held or is kept is touched. */
  prune(limit: number): MaybePromise<{ readonly more: boolean }>
  close(): Promise<void>
}

/** A proved request, as it waits for its handler. */
export interface StoredRequest {
  readonly method: string
  readonly url: string
  /** As they came: the order and every repetition kept. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Bytes
  /** Which secret fitted. It is proved once: its window has passed when it is handled. */
  readonly keyId: string
  /** Whose it is. Receivers can share an inbox: each claims its own. */
  readonly receiver: string
  readonly receivedAt: Date
}

/** What became of a request that was to be kept. Only the first two may be answered as received. */
export type Acceptance = 'accepted' | 'duplicate' | 'in_progress'

/** An accepted request that a worker holds. */
export interface InboxLease extends Lease {
  readonly request: StoredRequest
}

/** Whose requests are meant. */
export type OfReceiver = Pick<StoredRequest, 'receiver'>

/**
 * What came of handling an accepted request. `dead` is kept for people to look at, and to `retry`; its `reason` is a
 * short word, such as `exhausted` or `poison`.
 */
export type InboxOutcome =
  | { readonly result: 'completed' }
  | { readonly result: 'retry'; readonly retryInMs: Ms }
  | { readonly result: 'dead'; readonly reason: string }

/**
 * An idempotency store that keeps the requests too: accepted by a durable insert, handled later. One table holds both
 * kinds of row, so a key that was handled in the foreground is a duplicate to `accept`, and the other way round.
 *
 * Accepted rows are due at once; `due` is schedule and lease. `settle` with `completed` drops the request and keeps the
 * key for `keepMs` of its `accept`, counted from then; a late `completed` under an old token is `applied` (the work is
 * done, whoever did it), also where the row is dead by now; any other late outcome is `stale`. `dead` rows stay, with
 * their request, until `retry`, or for `keepMs` from their end.
 *
 * The methods of {@link IdempotencyStore} leave accepted rows alone: `begin` of one is `in_progress`, with what is left
 * of its lease or of its wait, and `completed` once it is, or is dead: it was taken, and its sender has no more part in
 * it. `settle` and `release` leave begun rows alone: `stale`.
 */
export interface Inbox<Tx = unknown>
  extends IdempotencyStore<Tx>,
    Omit<Leases<InboxLease, InboxOutcome>, 'claim' | 'nextDueInMs'> {
  readonly facts: IdempotencyStore['facts'] & { readonly inbox: true }
  /**
   * Durable when it resolves: one atomic insert. `duplicate` where the key is known: accepted, completed or dead.
   * `in_progress` where it is claimed by `begin`, or its `accept` is in a transaction that is not over: nobody has it for
   * good, so its sender is to come again. It never waits for that. A begun key whose lease is over is accepted, and
   * counts from the start. With `tx`, in that transaction and nowhere else.
   *
   * @throws StorageError `storage_full` where there is no room for it
   */
  accept(
    entry: { readonly key: string; readonly request: StoredRequest },
    options: { readonly keepMs: Ms; readonly tx?: Tx },
  ): MaybePromise<Acceptance>
  /** As {@link Leases.claim}, of what was accepted for one receiver. */
  claim(options: ClaimOptions & OfReceiver): Promise<readonly InboxLease[]>
  /** As {@link Leases.nextDueInMs}, of what was accepted for one receiver. */
  nextDueInMs(of: OfReceiver): Promise<Ms | null>
  /** The dead ones of one receiver, the first to die first. `attempt` and `claims` are those that they died in. */
  dead(page: Page & OfReceiver): Promise<Paged<InboxLease & { readonly reason: string }>>
  /** Dead ones are due at once, their attempts counted anew. Returns how many there were; other keys are left alone. */
  retry(keys: readonly string[]): Promise<number>
}
