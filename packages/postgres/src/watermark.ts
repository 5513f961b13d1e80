import type { Clock, Ms } from '@hooks/core'

/**
 * From where on an index is read. While somebody keeps an old snapshot open, what was removed stays in the index, at its
 * beginning, and every read would walk over it. So most reads go back a little behind the mark, and some further: they
 * see what was committed long after the time that it bears.
 */
export interface Watermark {
  /** In seconds since 1970, as a parameter of a read that may leave something to a later one. */
  from(): string
  /** The same, of a read that may not: whoever sleeps by what it finds would not come again. */
  farther(): string
  /** A read found nothing before `seconds`. */
  raise(seconds: number): void
  /** There is something at `seconds`, which reads from the mark may have missed. */
  lower(seconds: number): void
}

/** How far behind the mark reads go back. */
export interface Reach {
  readonly usualMs: Ms
  /** Once in {@link FARTHER_EVERY_MS}. */
  readonly fartherMs: Ms
}

const FARTHER_EVERY_MS: Ms = 1_000
/** How often a read begins at the beginning. */
const WHOLE_EVERY_MS: Ms = 30_000

/** A watermark whose first read begins at the beginning. */
export function createWatermark(clock: Clock, { usualMs, fartherMs }: Reach): Watermark {
  let mark = Number.NEGATIVE_INFINITY
  let wholeAt = Number.NEGATIVE_INFINITY
  let fartherAt = Number.NEGATIVE_INFINITY
  const behind = (ms: Ms) => String(mark - ms / 1_000)
  return {
    from() {
      const now = clock.monotonic()
      if (now < fartherAt + FARTHER_EVERY_MS) return behind(usualMs)
      fartherAt = now
      if (now < wholeAt + WHOLE_EVERY_MS) return behind(fartherMs)
      wholeAt = now
      return behind(Number.POSITIVE_INFINITY)
    },
    farther: () => behind(fartherMs),
    raise(seconds) {
      mark = seconds
    },
    lower(seconds) {
      mark = Math.min(mark, seconds)
    },
  }
}
