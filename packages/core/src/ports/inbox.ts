import type { MaybePromise, Ms } from '../seams.ts'
import type { Applied, Lease, LeaseRef } from './lease.ts'

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
  }
  /**
   * Claims `key` for `leaseMs`. A key whose lease ended without completion is claimed anew, under another token. It
   * never waits for another holder: that is `in_progress`, with what is left of the lease.
   */
  begin(key: string, options: { readonly leaseMs: Ms; readonly tx?: Tx }): MaybePromise<Begun>
  /**
   * The work is done: the key counts as completed for `keepMs` from now. `stale` where the lease was lost to another.
   * Under the same token it is applied again, so that a caller can repeat it after a lost answer.
   */
  complete(lease: LeaseRef, options: { readonly keepMs: Ms; readonly tx?: Tx }): MaybePromise<Applied>
  /** The work failed: the key is free at once, and its token with it. A completed key is left alone: `stale`. */
  abandon(lease: LeaseRef): MaybePromise<Applied>
  /** The work goes on: the lease lasts `leaseMs` from now. A completed key is left alone: `stale`. */
  extend(lease: LeaseRef, leaseMs: Ms): MaybePromise<Applied>
  /** Whether `key` was completed within `withinMs`. It claims nothing. */
  completedWithin(key: string, withinMs: Ms): MaybePromise<boolean>
  /** Forgets up to `limit` keys whose retention is over. */
  prune(limit: number): MaybePromise<{ readonly more: boolean }>
  close(): Promise<void>
}
