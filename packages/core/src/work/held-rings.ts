import type { Clock, Ms } from '../seams.ts'

/** Rings for later, which a process keeps until they are due. */
export interface HeldRings {
  /** Keeps one. */
  hold(inMs: Ms): void
  /** Gives all of them up. Returns how long each had left. */
  release(): readonly Ms[]
}

/** Rings that are due within such a time are one. */
const BUCKET_MS: Ms = 50
/** A ring for later than that comes early, and is harmless: whoever hears it looks at the storage. */
const LONGEST_MS: Ms = 86_400_000
/** More than a sender ever makes. What is beyond is lost, and found by polling. */
const MOST = 1_000

/** {@link HeldRings} that call `due` when their time has come. */
export function holdRings(clock: Clock, due: () => void): HeldRings {
  const held = new Map<Ms, AbortController>()

  async function keep(at: Ms, given: AbortController): Promise<void> {
    await clock.sleep(at - clock.monotonic(), given.signal)
    if (given.signal.aborted) return
    held.delete(at)
    due()
  }

  return {
    hold(inMs) {
      const at = Math.ceil((clock.monotonic() + Math.min(inMs, LONGEST_MS)) / BUCKET_MS) * BUCKET_MS
      if (held.has(at) || held.size >= MOST) return
      const given = new AbortController()
      held.set(at, given)
      void keep(at, given)
    },
    release() {
      const left = [...held.keys()].map((at) => Math.max(0, at - clock.monotonic()))
      for (const given of held.values()) given.abort()
      held.clear()
      return left
    },
  }
}
