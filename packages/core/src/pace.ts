import type { Ms } from './seams.ts'

/** What of a lane its rate goes by. */
export interface Pace {
  /** How many may start in a second; null for any number. */
  readonly perSecond: number | null
  /** The time from which the next one is free. */
  readonly freeAt: Ms
}

/** What a rate leaves unused for later, beside the next one: a fortieth of a second. */
const KEPT = 0.025

/**
 * The time from which the next one is free, and how often one is. What was not used long ago is lost. What is kept comes
 * out of the rate: so no second starts more than the rate says, and there is room for what is late on its way.
 */
function stepsOf(perSecond: number, freeAt: Ms, now: Ms): { readonly from: Ms; readonly everyMs: Ms } {
  const kept = Math.floor(perSecond * KEPT)
  const everyMs = 1000 / (perSecond - kept)
  return { from: Math.max(freeAt, now - kept * everyMs), everyMs }
}

/** How many a rate lets start now. For storages; one in SQL has the same formula there. */
export function freeNow({ perSecond, freeAt }: Pace, now: Ms): number {
  if (perSecond === null) return Number.POSITIVE_INFINITY
  const { from, everyMs } = stepsOf(perSecond, freeAt, now)
  return from > now ? 0 : Math.floor((now - from) / everyMs) + 1
}

/** The time from which the next one is free once `count` have started now. */
export function freeAfter({ perSecond, freeAt }: Pace, count: number, now: Ms): Ms {
  if (perSecond === null || count === 0) return freeAt
  const { from, everyMs } = stepsOf(perSecond, freeAt, now)
  return from + count * everyMs
}
