import type { Applied, Depth, Lane, LaneChange, Ms, Pace } from '@hooks/core'
import type { Session } from './session.ts'
import { DEPTH } from './sql/deliveries.ts'
import { FIND_LANES, NEXT_DUE, READ_LANES, SET_READY, WRITE_LANE } from './sql/lanes.ts'
import { after, dateOf, type Epoch, FOREVER } from './time.ts'

/** A row of `lane`. */
export interface LaneRow {
  readonly endpoint_id: string
  readonly tenant: string
  readonly failing: number
  readonly probing: number
  readonly paused: number
  readonly held_until: Epoch
  readonly cap: number | null
  readonly concurrency: number | null
  readonly per_second: number | null
  readonly free_at: number
  readonly failures: number
  readonly exhausted: number
  readonly first_failure_at: Epoch | null
  readonly last_failure_at: Epoch | null
  readonly warned: number
  readonly ready_at: Epoch | null
  readonly ready_seq: number
}

/** A lane, and when it has something to do. */
interface DueLaneRow extends LaneRow {
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

function readLanes(db: Session, endpointIds: readonly string[]): DueLaneRow[] {
  return endpointIds.length === 0 ? [] : db.all<DueLaneRow>(READ_LANES, JSON.stringify(endpointIds))
}

function readyTime(lane: DueLaneRow, now: Epoch): Epoch | null {
  const dueAt = Math.min(lane.waiting_at ?? FOREVER, lane.lease_ends_at ?? FOREVER)
  if (lane.paused || lane.held_until >= FOREVER || dueAt >= FOREVER) return null
  const readyAt = Math.max(dueAt, lane.held_until, freeTime(lane), now)
  return readyAt === now && lane.ready_at !== null && lane.ready_at <= now ? lane.ready_at : readyAt
}

function setReady(db: Session, endpointId: string, from: Epoch | null, to: Epoch | null): void {
  if (from !== to) db.run(SET_READY, to, to, to, endpointId)
}

/** What of a lane its rate goes by. */
export const paceOf = ({ per_second: perSecond, free_at: freeAt }: LaneRow): Pace => ({ perSecond, freeAt })

/** From when its rate lets one more of a lane start; 0 where it has none. */
export const freeTime = (lane: LaneRow): Epoch => (lane.per_second === null ? 0 : Math.ceil(lane.free_at))

/** Changes lanes, {@link Deliveries.hold}. */
export function hold(db: Session, now: Epoch, changes: readonly LaneChange[]): Applied[] {
  return changes.map((change) => holdOne(db, now, change))
}

function holdOne(db: Session, now: Epoch, { endpointId, forMs, ...change }: LaneChange): Applied {
  const [lane] = readLanes(db, [endpointId])
  if (!lane) return 'stale'
  const { cap = lane.cap, failing = lane.failing, probing = lane.probing, paused = lane.paused } = change
  const changed = {
    ...lane,
    held_until:
      forMs === undefined ? lane.held_until : forMs === null ? 0 : Math.max(lane.held_until, after(now, forMs)),
    cap,
    failing: Number(failing),
    probing: Number(probing),
    paused: Number(paused),
    warned: change.warned ?? lane.warned,
  }
  const names = ['held_until', 'cap', 'failing', 'probing', 'paused', 'warned'] as const
  const different = names.filter((name) => changed[name] !== lane[name])
  if (different.length === 0) return 'stale'
  db.run(
    WRITE_LANE,
    changed.failing,
    changed.held_until,
    changed.cap,
    changed.paused,
    changed.probing,
    changed.warned,
    endpointId,
  )
  // A change of `failing` alone leaves a lane at its time, which may be the end of a lease where it is full.
  if (different.some((name) => name !== 'failing' && name !== 'warned'))
    setReady(db, endpointId, lane.ready_at, readyTime(changed, now))
  return 'applied'
}

/** {@link Deliveries.lanes}. */
export function findLanes(db: Session, now: Epoch, endpointIds: readonly string[]): Lane[] {
  return db.all<LaneRow>(FIND_LANES, JSON.stringify([...new Set(endpointIds)])).map((row) => laneOf(row, now))
}

/** The lane of a row. */
export function laneOf(row: LaneRow, now: Epoch): Lane {
  return {
    endpointId: row.endpoint_id,
    heldForMs: row.held_until >= FOREVER ? Number.POSITIVE_INFINITY : Math.max(0, row.held_until - now),
    paused: row.paused === 1,
    probing: row.probing === 1,
    failing: row.failing === 1,
    cap: row.cap,
    failures: row.failures,
    exhausted: row.exhausted,
    firstFailureAt: row.first_failure_at === null ? null : dateOf(row.first_failure_at),
    lastFailureAt: row.last_failure_at === null ? null : dateOf(row.last_failure_at),
    warned: row.warned,
  }
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
    readonly first_mark_at: Epoch | null
  }
  const row = db.get<Row>(DEPTH, now, now) as Row
  const since = Math.min(row.first_due_at ?? Number.POSITIVE_INFINITY, row.first_mark_at ?? Number.POSITIVE_INFINITY)
  return {
    unexpanded: row.unexpanded,
    due: row.due,
    open: row.open,
    oldestDueMs: since > now ? null : now - since,
    heldEndpoints: row.held,
    at: dateOf(now),
  }
}
