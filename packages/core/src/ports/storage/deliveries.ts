import type { OutgoingDelivery } from '../../format.ts'
import type { Ms } from '../../seams.ts'
import type { Applied, ClaimOptions, Lease, LeaseRef, Leases } from '../lease.ts'
import type { AttemptReport, Trigger } from './attempts.ts'
import type { Endpoint } from './endpoints.ts'
import type { Lane, LaneChange } from './lanes.ts'
import type { NewDelivery } from './outbox.ts'
import type { Selector } from './selector.ts'

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
 * - **rate**: with `settings.perSecond` = r, one claim takes at most what is free. Of what was not used, as many as are
 *   free in a fortieth of a second, `k = floor(r / 40)`, are kept for later beside the next one; they come out of the rate:
 *   one is free every 1000/(r - k) ms. So no second starts more than r, and what is late on its way to the receiver has
 *   room. Kept as one number, the time from which the next one is free; a release gives nothing back.
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
   * `probing` false, `warned` 0; the lane's cap and hold stay. What was lost, failed by hand, ended without an attempt, or
   * could not be made by the sender itself (the error `request_invalid`) feeds nothing.
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

/** A delivery that was claimed: what to send, where to, and the token by which it is settled. */
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

/** What became of a claimed delivery. */
export type DeliveryOutcome =
  /** `retryInMs` counts from now, by the store's clock. */
  | { readonly result: 'retry'; readonly retryInMs: Ms; readonly attempt: AttemptReport }
  | { readonly result: 'delivered'; readonly attempt: AttemptReport }
  /** Without `attempt` nothing was sent, and nothing is counted. */
  | { readonly result: 'failed' | 'skipped' | 'cancelled'; readonly reason: string; readonly attempt?: AttemptReport }

/** How open deliveries are ended without an attempt. */
export interface Retirement {
  readonly state: 'cancelled' | 'skipped' | 'failed'
  readonly reason: string
}

/** What a page of resends came to: how many are sent again, and how many cannot be, by reason. */
export interface Revival {
  readonly revived: number
  readonly inFlight: number
  readonly expired: number
  readonly blocked: number
  /** Where to go on; undefined at the end. */
  readonly next?: string
}

/** How much waits, of all tenants. */
export interface Depth {
  /** Messages not yet matched. */
  readonly unexpanded: number
  /** Open deliveries that could be claimed now, but for caps and holds. */
  readonly due: number
  readonly open: number
  /** For how long the oldest of what could be taken now is due, be it a delivery or a message not yet matched. Null where nothing is. */
  readonly oldestDueMs: Ms | null
  readonly heldEndpoints: number
  /** The time by the store's clock. */
  readonly at: Date
}
