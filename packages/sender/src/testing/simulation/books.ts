import type { DeliveryOutcome, DeliveryView, Depth, Job, Ms, Storage } from '@hooks/core'
import type { Incarnation } from './faults.ts'
import type { SimulatedReceiver } from './receiver.ts'

/** What was done to a simulated world, for the oracle to hold its end against. */
export interface Operations {
  readonly sent: {
    readonly id: string
    readonly type: string
    readonly tenant: string
    readonly key: string
    readonly orderingKey?: string
    /** When it was called for and when that was done, in steps of the host. */
    readonly calledAt: number
    readonly returnedAt: number
  }[]
  /** Counts calls of the host and their ends. */
  steps: number
  /** Endpoints that were disabled at some time. */
  readonly disabled: Set<string>
  /** Endpoints that were enabled at some time, which ends a hold. */
  readonly enabled: Set<string>
  /** Endpoints of which what failed was sent again. */
  readonly recovered: Set<string>
  /** Deliveries that a person sent again, gave up. */
  readonly resent: Set<string>
  readonly cancelled: Set<string>
  /** Endpoints that were created for certain, and not removed. */
  readonly spare: Set<string>
  /** What befell processes. */
  readonly incidents: { readonly by: Incarnation; readonly at: Ms; readonly what: string }[]
  /** By endpoint and message, when the request ended its worker. */
  readonly deaths: Map<string, Ms[]>
  /** By delivery, the token of the last claim that the database gave. */
  readonly holders: Map<string, string>
  /** By message, the time before which it is not to be sent. */
  readonly notBefore: Map<string, Ms>
  /** Claims that the database gave. */
  readonly claimed: {
    readonly delivery: string
    readonly endpoint: string
    readonly at: Ms
    readonly by: Incarnation
  }[]
  /** Settlements that the database took; `late` ones came under the token of an earlier claim. */
  readonly settled: {
    readonly delivery: string
    readonly result: DeliveryOutcome['result']
    readonly at: Ms
    readonly by: Incarnation
    readonly late: boolean
  }[]
}

export const noOperations = (): Operations => ({
  sent: [],
  steps: 0,
  disabled: new Set(),
  enabled: new Set(),
  recovered: new Set(),
  resent: new Set(),
  cancelled: new Set(),
  spare: new Set(),
  incidents: [],
  deaths: new Map(),
  holders: new Map(),
  notBefore: new Map(),
  claimed: [],
  settled: [],
})

/** The end of a simulated world. */
export interface Ending {
  readonly raw: Storage
  readonly endpoints: readonly { readonly id: string; readonly tenant: string }[]
  readonly deliveries: readonly DeliveryView[]
  /** The endpoints of the tenant whose endpoints come and go. */
  readonly spare: readonly string[]
  readonly depth: Depth
  readonly jobs: readonly Job[]
  /** The time at which the world began. */
  readonly startedAt: Ms
  readonly operations: Operations
  readonly receiver: SimulatedReceiver
  /** The delays that the schedule promises: the first is before the first attempt. */
  readonly retryMs: readonly Ms[]
  /** The most that jitter adds to a delay, as a part of it. */
  readonly jitter: number
  readonly maxAgeMs: Ms
  /** The least for which an endpoint is left alone that says that it is overloaded. */
  readonly pacedMs: Ms
  readonly leaseMs: Ms
}

/** How a message at an endpoint is called in the books. */
export const pairOf = (endpoint: string, message: string): string => `${endpoint} ${message}`
