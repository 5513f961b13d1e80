import type { Clock, Ms } from '@hooks/core'

/** Milliseconds since 1970, whole. */
export type Epoch = number

/** The last time that there is: what `Infinity` is stored as. */
export const FOREVER: Epoch = 8_640_000_000_000_000

/** The time on the clock. */
export const epochOf = (clock: Clock): Epoch => Math.floor(clock.now().getTime())

/** The time in `ms` from `now`, never early. */
export const after = (now: Epoch, ms: Ms): Epoch => Math.min(FOREVER, Math.ceil(now + Math.max(0, ms)))

/** A stored time. */
export const dateOf = (at: Epoch): Date => new Date(at)
