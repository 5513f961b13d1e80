import type { Clock, Ms } from '@hooks/core'

/**
 * From where on an index is read. While somebody keeps an old snapshot open, what was removed stays in the index, at its
 * beginning, and every read would walk over it. What is younger than the mark is always seen; what is older, by one read
 * in {@link EVERY_MS}.
 */
export interface Watermark {
  /** In seconds since 1970, as a parameter. */
  from(): string
  /** The mark as it is, for a read that may miss what is older. */
  readonly mark: string
  /** A read from the beginning found nothing before `seconds`, less what a transaction may take. */
  raise(seconds: number): void
}

const EVERY_MS: Ms = 30_000
const BEGINNING = '-Infinity'

/** A watermark that stays `marginMs` behind what it is raised to. */
export function createWatermark(clock: Clock, marginMs: Ms): Watermark {
  let mark = BEGINNING
  let readAt: Ms | undefined
  return {
    get mark() {
      return mark
    },
    from() {
      const now = clock.monotonic()
      if (readAt !== undefined && now < readAt + EVERY_MS) return mark
      readAt = now
      return BEGINNING
    },
    raise(seconds) {
      mark = String(seconds - marginMs / 1_000)
    },
  }
}
