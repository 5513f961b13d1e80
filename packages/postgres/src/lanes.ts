import type { Applied, Depth, LaneChange, Ms } from '@hooks/core'
import type { Database } from './database.ts'
import { inRounds } from './rounds.ts'
import { dateOf, type Numeric } from './rows.ts'
import { DEPTH, HOLD, NEXT_DUE } from './sql/lanes.ts'
import { arrayOf } from './text.ts'
import type { Watermark } from './watermark.ts'

/** Lifts a hold, as a number of ms. */
const LIFT = -1

/** {@link Deliveries.hold}. */
export async function hold(db: Database, changes: readonly LaneChange[]): Promise<Applied[]> {
  for (const round of inRounds(changes, ({ endpointId }) => endpointId)) {
    const column = <T extends string | number | boolean | null>(of: (change: LaneChange) => T) => arrayOf(round.map(of))
    await db.run(HOLD, [
      column(({ endpointId }) => endpointId),
      column(({ forMs }) => (forMs === undefined ? null : forMs === null ? LIFT : String(Math.max(0, forMs)))),
      column(({ cap }) => cap !== undefined),
      column(({ cap }) => cap ?? null),
      column(({ failing }) => failing ?? null),
    ])
  }
  return changes.map(() => 'applied')
}

/** {@link Deliveries.nextDueInMs}. */
export async function nextDueInMs(db: Database, lanes: Watermark, marks: Watermark): Promise<Ms | null> {
  const [row] = await db.run<{ ms: Numeric | null }>(NEXT_DUE, [lanes.mark, marks.mark])
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
    oldestDueMs: oldest === null || Number(due) === 0 ? null : Math.max(0, Number(oldest)),
    heldEndpoints: Number(held),
    at: dateOf(at),
  }
}
