import type { Ms } from '../seams.ts'

/** A piece of claimed work and the fencing token under which it was claimed. */
export interface LeaseRef {
  readonly key: string
  /** Another one for every claim: a finish under an old token changes nothing. */
  readonly token: string
}

/** Work that a worker holds for a time. */
export interface Lease extends LeaseRef {
  /** The number of the attempt that this claim is for: those finished, and one. Crashes do not count. */
  readonly attempt: number
  /** Claims since the last finish, this one included. Work that ends its worker each time is given up as `poison`. */
  readonly claims: number
  /** How long the lease had left when the claim was answered. */
  readonly leaseLeftMs: Ms
}

/** `stale`: the work was finished, or claimed by another, meanwhile; nothing was changed. */
export type Applied = 'applied' | 'stale'

/**
 * Work that is claimed, run and settled: deliveries, inbox entries, replay jobs. A claim lasts for a lease; a
 * worker that dies loses it at its end, and the work is due again.
 *
 * Each method is atomic, and safe to call again after a lost answer.
 */
export interface Leases<L extends Lease, Outcome> {
  /**
   * Claims up to `limit` due pieces of work for `leaseMs`, in the order in which they became ready. No piece is
   * given to two callers within its lease. One whose lease ended unsettled is claimed again, and its lost
   * attempt is logged without being counted.
   */
  claim(options: ClaimOptions): Promise<readonly L[]>
  /**
   * Records what came of claimed work, in the order given, all or none. The token must be the current one, but
   * for a success, which is true whoever reports it. Settling twice changes nothing: the second is `stale`.
   */
  settle(settlements: readonly (LeaseRef & Outcome)[]): Promise<readonly Applied[]>
  /** Gives back claims of which nothing was started: due now, and the claim is not counted. Stale ones are left alone. */
  release(leases: readonly LeaseRef[]): Promise<void>
  /** How long until something can be claimed, by the store's clock: 0 if now, null if nothing is waiting. */
  nextDueInMs(): Promise<Ms | null>
}

/** What a claim asks for. */
export interface ClaimOptions {
  /** Names the worker in the store, for people who look. */
  readonly worker: string
  readonly limit: number
  readonly leaseMs: Ms
}
