import type { LaneRow } from './lanes.ts'
import type { Epoch } from './time.ts'

/** What a rate leaves unused for later, beside the next one, as a part of a second. */
const KEPT = 1 / 40

/**
 * From when its rate lets one more start, and how often one. What was not used long ago is lost. What is kept comes out of
 * the rate: so no second starts more than the rate says, and there is room for what is late on its way.
 */
function rateOf({ free_at: freeAt }: LaneRow, perSecond: number, now: Epoch) {
  const kept = Math.floor(perSecond * KEPT)
  const everyMs = 1000 / (perSecond - kept)
  return { freeAt: Math.max(freeAt, now - kept * everyMs), everyMs }
}

/** How many of a lane its rate lets start now. */
export function freeNow(lane: LaneRow, now: Epoch): number {
  if (lane.per_second === null) return Number.POSITIVE_INFINITY
  const { freeAt, everyMs } = rateOf(lane, lane.per_second, now)
  return freeAt > now ? 0 : Math.floor((now - freeAt) / everyMs) + 1
}

/** The lane after `count` have started. */
export function spend<L extends LaneRow>(lane: L, count: number, now: Epoch): L {
  if (lane.per_second === null || count === 0) return lane
  const { freeAt, everyMs } = rateOf(lane, lane.per_second, now)
  return { ...lane, free_at: freeAt + count * everyMs }
}
