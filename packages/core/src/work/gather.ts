import type { Ms } from '../seams.ts'

/** The longest that a busy loop waits for more to go with a call. */
const LONGEST: Ms = 5
/** A store that answers within this gains nothing from larger groups, and no timer is as short. */
const FAST: Ms = 1

/** How long to wait for company for a call that took `ms` the last time. */
export const gatherMs = (ms: Ms): Ms => (ms < FAST ? 0 : Math.min(ms, LONGEST))
