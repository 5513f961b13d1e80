import type { Applied, Depth, Lane, LaneChange, Ms } from '@hooks/core'
import type { Database } from './database.ts'
import { inRounds } from './rounds.ts'
import { dateOf, type Numeric } from './rows.ts'
import { DEPTH, FIND_LANES, HOLD, NEXT_DUE } from './sql/lanes.ts'
import { arrayOf } from './text.ts'
import type { Watermark } from './watermark.ts'

/** Lifts a hold, as a number of ms. */
const LIFT = -1

/** A lane, in the words of its columns. */
export interface LaneRow {
  readonly endpoint: string
  /** -1 where it is held until lifted. */
  readonly held: Numeric
  readonly paused: Numeric
  readonly probing: Numeric
  readonly failing: Numeric
  readonly cap: Numeric | null
  readonly failures: Numeric
  readonly exhausted: Numeric
  readonly first: Numeric | null
  readonly last: Numeric | null
  readonly warned: Numeric
}

/** The lane of a row. */
export function laneOf(row: LaneRow): Lane {
  const heldMs = Number(row.held)
  return {
    endpointId: row.endpoint,
    heldForMs: heldMs < 0 ? Number.POSITIVE_INFINITY : heldMs,
    paused: Number(row.paused) === 1,
    probing: Number(row.probing) === 1,
    failing: Number(row.failing) === 1,
    cap: row.cap === null ? null : Number(row.cap),
    failures: Number(row.failures),
    exhausted: Number(row.exhausted),
    firstFailureAt: row.first === null ? null : dateOf(row.first),
    lastFailureAt: row.last === null ? null : dateOf(row.last),
    warned: Number(row.warned),
  }
}

/** {@link Deliveries.lanes}. */
export async function findLanes(db: Database, endpointIds: readonly string[]): Promise<Lane[]> {
  return (await db.run<LaneRow>(FIND_LANES, [arrayOf([...new Set(endpointIds)])])).map(laneOf)
}

/** {@link Deliveries.hold}. */
export async function hold(db: Database, changes: readonly LaneChange[]): Promise<Applied[]> {
  const applied: Applied[] = changes.map(() => 'stale')
  const indexed = changes.map((change, index) => ({ change, index }))
  for (const round of inRounds(indexed, ({ change }) => change.endpointId)) {
    const column = <T extends string | number | boolean | null>(of: (change: LaneChange) => T) =>
      arrayOf(round.map(({ change }) => of(change)))
    const rows = await db.run<{ endpoint: string }>(HOLD, [
      column(({ endpointId }) => endpointId),
      column(({ forMs }) => (forMs === undefined ? null : forMs === null ? LIFT : String(Math.max(0, forMs)))),
      column(({ cap }) => cap !== undefined),
      column(({ cap }) => cap ?? null),
      column(({ failing }) => failing ?? null),
      column(({ probing }) => probing ?? null),
      column(({ paused }) => paused ?? null),
      column(({ warned }) => warned ?? null),
    ])
    const changed = new Set(rows.map(({ endpoint }) => endpoint))
    for (const { change, index } of round) if (changed.has(change.endpointId)) applied[index] = 'applied'
  }
  return applied
}

/** {@link Deliveries.nextDueInMs}. */
export async function nextDueInMs(db: Database, lanes: Watermark, marks: Watermark): Promise<Ms | null> {
  interface Row {
    /** When, in s: the first lane that is ready, and the first mark that is due. */
    readonly lane: Numeric | null
    readonly mark: Numeric | null
    readonly ms: Numeric | null
  }
  const [row] = await db.run<Row>(NEXT_DUE, [lanes.farther(), marks.farther()])
  // A claim that missed it comes again.
  if (row?.lane != null) lanes.lower(Number(row.lane))
  if (row?.mark != null) marks.lower(Number(row.mark))
  return row?.ms == null ? null : Number(row.ms)
}

/** {@link Deliveries.depth}. */
export async function depth(db: Database): Promise<Depth> {
  interface Row {
    readonly unexpanded: Numeric
    readonly held: Numeric
    readonly open: Numeric
    readonly due: Numeric
    readonly oldest: Numeric | null
    readonly at: Numeric
  }
  const [row] = await db.run<Row>(DEPTH)
  const { unexpanded, held, open, due, oldest, at } = row as Row
  return {
    unexpanded: Number(unexpanded),
    due: Number(due),
    open: Number(open),
    oldestDueMs: oldest === null ? null : Math.max(0, Number(oldest)),
    heldEndpoints: Number(held),
    at: dateOf(at),
  }
}
