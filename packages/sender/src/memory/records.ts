import type {
  AttemptRecord,
  DeliveryState,
  DeliveryView,
  Endpoint,
  Job,
  Lane as LaneView,
  LeaseRef,
  Ms,
  NewDelivery,
  Selector,
  StoredMessage,
  Trigger,
} from '@hooks/core'
import type { Slotted } from '../heap.ts'
import type { Lane, LaneRow } from './lanes.ts'

/** A message. While it is in the heap of marks, it is not yet expanded. */
export interface Message extends Slotted {
  readonly id: string
  /** What was put. Once it is expired, without its data. */
  stored: StoredMessage
  expired: boolean
  readonly createdAt: Ms
  /** When its mark is due, and its number among all that were put. */
  readonly dueAt: Ms
  readonly sequence: number
  readonly orderingWaitMs: Ms | undefined
  /** By id, ascending. */
  readonly deliveries: Delivery[]
  /** How many of them are open. */
  open: number
}

/** How a delivery can end. */
export type End = Exclude<DeliveryState, 'pending' | 'sending' | 'retrying'>

/** A delivery, for all its life. While it is open, it is in a lane. */
export interface Delivery extends LaneRow {
  readonly message: Message
  readonly endpointId: string
  readonly createdAt: Ms
  /** When it was created or last resent. */
  bornAt: Ms
  claimedAt: Ms
  /** Null while it is open. */
  end: End | null
  reason: string | null
  finishedAt: Ms
  attempts: number
  step: number
  claims: number
  trigger: Trigger
  readonly variant: string | null
  /** Its ordering key, while it has a place in that order. */
  chain: string | null
  /** It waits for the one before it in its order. */
  waits: boolean
  last: AttemptRecord | null
  readonly log: AttemptRecord[]
}

/** An endpoint and its lane. */
export interface Registered {
  endpoint: Endpoint
  readonly lane: Lane<Delivery>
}

/** All that is one tenant's. */
export interface Tenant {
  readonly endpoints: Map<string, Registered>
  readonly keys: Map<string, { readonly message: Message; readonly until: Ms }>
  /** By id, ascending. */
  readonly messages: Message[]
  /** By id, ascending. */
  readonly deliveries: Delivery[]
}

/** A job and its lease. */
export interface StoredJob {
  job: Job
  token: string | null
  dueAt: Ms
  attempts: number
  claims: number
}

/** A lane as people see it. */
export function laneViewOf(endpointId: string, lane: Lane<Delivery>, now: Ms): LaneView {
  const { heldUntil, paused, probing, failing, cap, health } = lane
  return {
    endpointId,
    heldForMs: Math.max(0, heldUntil - now),
    paused,
    probing,
    failing,
    cap,
    failures: health.failures,
    exhausted: health.exhausted,
    firstFailureAt: health.firstFailureAt === null ? null : new Date(health.firstFailureAt),
    lastFailureAt: health.lastFailureAt === null ? null : new Date(health.lastFailureAt),
    warned: health.warned,
  }
}

/** A new delivery that was never tried, due at once. */
export function newDelivery(
  { id, endpointId, variant }: NewDelivery,
  message: Message,
  trigger: Trigger,
  now: Ms,
): Delivery {
  return {
    slot: -1,
    id,
    message,
    endpointId,
    createdAt: now,
    bornAt: now,
    dueAt: now,
    token: null,
    claimedAt: 0,
    end: null,
    reason: null,
    finishedAt: 0,
    attempts: 0,
    step: 0,
    claims: 0,
    trigger,
    variant: variant ?? null,
    chain: null,
    waits: false,
    last: null,
    log: [],
  }
}

/** Whether `ref` is the current lease of a delivery. One that ended is, until another claim. */
export const holds = (delivery: Delivery, { token }: LeaseRef): boolean =>
  delivery.token !== null && delivery.token === token

/** A lease that ended is in flight no more, though nobody has noticed yet. */
export function stateOf({ end, token, dueAt, attempts }: Delivery, now: Ms): DeliveryState {
  if (end !== null) return end
  if (token !== null && dueAt > now) return 'sending'
  return attempts === 0 ? 'pending' : 'retrying'
}

/** A delivery as people see it. */
export function viewOf(delivery: Delivery, now: Ms): DeliveryView {
  const { id, message, endpointId, reason, attempts, variant, last, dueAt, createdAt, finishedAt, end } = delivery
  const state = stateOf(delivery, now)
  return {
    id,
    messageId: message.id,
    endpointId,
    tenant: message.stored.tenant,
    type: message.stored.type,
    state,
    reason,
    attempts,
    variant,
    last,
    nextAttemptAt: (state === 'pending' || state === 'retrying') && Number.isFinite(dueAt) ? new Date(dueAt) : null,
    createdAt: new Date(createdAt),
    finishedAt: end === null ? null : new Date(finishedAt),
  }
}

/** Whether all that a selector says holds for a delivery. */
export function matches(delivery: Delivery, selector: Selector, now: Ms): boolean {
  const { message, endpointId, createdAt } = delivery
  return (
    matchesMessage(message, selector, createdAt) &&
    (selector.delivery === undefined || selector.delivery === delivery.id) &&
    (selector.endpoint === undefined || selector.endpoint === endpointId) &&
    (selector.states === undefined || selector.states.includes(stateOf(delivery, now)))
  )
}

/** Whether it holds for a message, or, with `createdAt` of a delivery, for that delivery's message. */
export function matchesMessage(
  { stored, createdAt: made }: Message,
  selector: Selector,
  createdAt: Ms = made,
): boolean {
  return (
    selector.tenant === stored.tenant &&
    (selector.message === undefined || selector.message === stored.id) &&
    (selector.types === undefined || selector.types.includes(stored.type)) &&
    (selector.since === undefined || createdAt >= selector.since.getTime()) &&
    (selector.until === undefined || createdAt < selector.until.getTime())
  )
}
