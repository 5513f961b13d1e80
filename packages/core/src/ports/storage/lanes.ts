import type { Ms } from '../../seams.ts'

/** A change of how deliveries to an endpoint are scheduled. What is left out stays as it is. */
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

/** The settings of an endpoint that its lane obeys, from the moment that they are stored. */
export interface LaneSettings {
  /** In flight at once over all workers, where the lane has no cap of its own. */
  readonly concurrency?: number | null
  /** Attempts a second over all workers, above 0 and perhaps a fraction. */
  readonly perSecond?: number | null
}
