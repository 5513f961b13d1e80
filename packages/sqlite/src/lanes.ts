import type { Depth, LaneChange, Ms } from '@hooks/core'
import type { Session } from './session.ts'
import { DEPTH } from './sql/deliveries.ts'
import { NEXT_DUE, READ_LANES, SET_READY, WRITE_LANE } from './sql/lanes.ts'
import { after, type Epoch, FOREVER } from './time.ts'

interface LaneRow {
  readonly endpoint_id: string
  readonly failing: number
  readonly held_until: Epoch
  readonly cap: number | null
  readonly ready_at: Epoch | null
  /** When the first of its deliveries is due that nobody has claimed; null where there is none. */
  readonly waiting_at: Epoch | null
  /** When the first lease ends, or has ended. */
  readonly lease_ends_at: Epoch | null
}

/**
 * Brings the ready times of lanes up to date after any change to their deliveries: the time of the first that is due,
 * lease ends included, and not before a hold ends. A lane that is ready already keeps its place.
 */
export function refreshAll(db: Session, endpointIds: Iterable<string>, now: Epoch): void {
  const lanes = readLanes(db, [...new Set(endpointIds)].sort())
  for (const lane of lanes) setReady(db, lane.endpoint_id, lane.ready_at, readyTime(lane, now))
}

function readLanes(db: Session, endpointIds: readonly string[]): LaneRow[] {
  return endpointIds.length === 0 ? [] : db.all<LaneRow>(READ_LANES, JSON.stringify(endpointIds))
}

function readyTime(lane: LaneRow, now: Epoch): Epoch | null {
  const { waiting_at: waitingAt, lease_ends_at: leaseEndsAt } = lane
  if (lane.held_until >= FOREVER || (waitingAt === null && leaseEndsAt === null)) return null
  const dueAt = Math.min(waitingAt ?? FOREVER, leaseEndsAt ?? FOREVER)
  const readyAt = Math.max(dueAt, lane.held_until, now)
  return readyAt === now && lane.ready_at !== null && lane.ready_at <= now ? lane.ready_at : readyAt
}

function setReady(db: Session, endpointId: string, from: Epoch | null, to: Epoch | null): void {
  if (from !== to) db.run(SET_READY, to, to, to, endpointId)
}

/** Changes lanes, {@link Deliveries.hold}. */
export function hold(db: Session, now: Epoch, changes: readonly LaneChange[]): void {
  for (const { endpointId, forMs, cap, failing } of changes) {
    const [lane] = readLanes(db, [endpointId])
    if (!lane) continue
    const changed = {
      ...lane,
      ...(forMs !== undefined && { held_until: forMs === null ? 0 : Math.max(lane.held_until, after(now, forMs)) }),
      ...(cap !== undefined && { cap }),
      ...(failing !== undefined && { failing: Number(failing) }),
    }
    writeLane(db, endpointId, changed)
    // A change of `failing` alone leaves a lane at its time, which may be the end of a lease where it is full.
    if (forMs !== undefined || cap !== undefined) setReady(db, endpointId, lane.ready_at, readyTime(changed, now))
  }
}

function writeLane(db: Session, endpointId: string, lane: LaneRow): void {
  db.run(WRITE_LANE, lane.failing, lane.held_until, lane.cap, endpointId)
}

/** {@link Deliveries.nextDueInMs}. */
export function nextDueInMs(db: Session, now: Epoch): Ms | null {
  const at = db.get<{ at: Epoch | null }>(NEXT_DUE)?.at ?? null
  return at === null ? null : Math.max(0, at - now)
}

/** {@link Deliveries.depth}. */
export function depth(db: Session, now: Epoch): Depth {
  interface Row {
    readonly unexpanded: number
    readonly held: number
    readonly open: number
    readonly due: number
    readonly first_due_at: Epoch | null
  }
  const row = db.get<Row>(DEPTH, now, now) as Row
  return {
    unexpanded: row.unexpanded,
    due: row.due,
    open: row.open,
    oldestDueMs: row.first_due_at === null || row.first_due_at > now ? null : now - row.first_due_at,
    heldEndpoints: row.held,
  }
}
