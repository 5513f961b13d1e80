import type { Clock, Ms } from '../seams.ts'

/** A wake-up that is never missed: a ring before the wait ends it at once. */
export interface Bell {
  ring(): void
  /** Forgets earlier rings. Call it before looking for work, so that a ring during the look is kept. */
  clear(): void
  /** Until it rings, or `ms` are over. */
  wait(ms: Ms): Promise<void>
}

/** A {@link Bell} that waits on `clock`. One waiter at a time. */
export function createBell(clock: Clock): Bell {
  let rung = false
  let wakeUp: AbortController | undefined
  return {
    ring() {
      rung = true
      wakeUp?.abort()
    },
    clear() {
      rung = false
    },
    async wait(ms) {
      if (rung) return
      wakeUp = new AbortController()
      await clock.sleep(ms, wakeUp.signal)
      wakeUp = undefined
    },
  }
}
