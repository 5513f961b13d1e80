import type { Clock, Ms } from '../seams.ts'

/** The wait for one answer. */
export interface Wait {
  /** It ended without one. */
  readonly isOver: boolean
  /** What is to be done then, if anything. */
  leave: ((error: Error) => void) | undefined
}

/** Waits for answers, each for so long at most. */
export interface Timeouts {
  /** What `ask` brings. It rejects with the error of these timeouts where that does not come in time. */
  within<T>(ask: (wait: Wait) => Promise<T>): Promise<T>
}

/** How late a wait may end. */
const LATE: Ms = 100
/** Or this part of the time, where that is shorter. */
const LATE_PART = 0.1

interface Waiting extends Wait {
  isOver: boolean
  readonly endsAt: Ms
  readonly reject: (error: Error) => void
}

/**
 * {@link Timeouts} of `timeoutMs`. Almost every call is answered long before, and a timer for each would cost more than
 * the call: one look at all of them comes again and again, as long as there are any. So a wait ends up to 100 ms late, or a
 * tenth of its time where that is less.
 */
export function createTimeouts(clock: Clock, timeoutMs: Ms, error: () => Error): Timeouts {
  // All have the same time, so the first to come is the first to end. They are few.
  const waiting: Waiting[] = []
  let isWatching = false

  async function watch(): Promise<void> {
    isWatching = true
    while (waiting.length > 0) {
      await clock.sleep(Math.min(LATE, timeoutMs * LATE_PART))
      const now = clock.monotonic()
      while (waiting[0] && waiting[0].endsAt <= now) expire(waiting.shift() as Waiting)
    }
    isWatching = false
  }

  function expire(one: Waiting): void {
    const late = error()
    one.isOver = true
    one.reject(late)
    one.leave?.(late)
  }

  function forget(one: Waiting): void {
    const place = waiting.indexOf(one)
    if (place >= 0) waiting.splice(place, 1)
  }

  return {
    within: (ask) =>
      new Promise((resolve, reject) => {
        const one: Waiting = { isOver: false, leave: undefined, endsAt: clock.monotonic() + timeoutMs, reject }
        waiting.push(one)
        if (!isWatching) void watch()
        ask(one)
          .finally(() => forget(one))
          .then(resolve, reject)
      }),
  }
}
