import type { Ms } from '../seams.ts'

/** How often something has happened lately. */
export interface Rate {
  /** It happened. */
  count(): void
  /** How often in a millisecond, over the last {@link WINDOW} or a little longer. */
  perMs(now: Ms): number
  /** It may be quite different from now on. */
  forget(now: Ms): void
}

/** So long that what comes in bursts is no rate. */
const WINDOW: Ms = 250

/** A {@link Rate} of nothing yet, from `from` (monotonic) on. */
export function createRate(from: Ms): Rate {
  let since = from
  let counted = 0
  let perMs = 0
  return {
    count() {
      counted++
    },
    perMs(now) {
      if (now >= since + WINDOW) {
        perMs = counted / (now - since)
        since = now
        counted = 0
      }
      return perMs
    },
    forget(now) {
      since = now
      counted = 0
      perMs = 0
    },
  }
}
