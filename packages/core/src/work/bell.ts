import type { Clock, Ms } from '../seams.ts'

/** A wake-up that is never missed: a ring before the wait ends it at once. */
export interface Bell {
  ring(): void
  /** Forgets earlier rings. Call it before looking for work, so that a ring during the look is kept. */
  clear(): void
  /** Until it rings, or about `ms` are over: it may be sooner, so look and wait again. */
  wait(ms: Ms): Promise<void>
  /** Gives up the sleep that is under way, so that no timer outlives the bell's use. */
  close(): void
}

/**
 * A {@link Bell} that sleeps on `clock`. A busy loop rings thousands of times a second, and starting and aborting a sleep
 * for each would cost more than the work: a sleep goes on across rings, and a wait starts one only where it needs an
 * earlier end than the one under way.
 */
export function createBell(clock: Clock): Bell {
  let rung = false
  let waiting: (() => void)[] = []
  let sleeping: { readonly until: Ms; readonly abort: AbortController } | undefined

  function wakeUp(): void {
    const woken = waiting
    waiting = []
    for (const wake of woken) wake()
  }

  function sleepUntil(until: Ms): void {
    sleeping?.abort.abort('an earlier one')
    const sleep = { until, abort: new AbortController() }
    sleeping = sleep
    void clock.sleep(until - clock.monotonic(), sleep.abort.signal).then(() => {
      if (sleeping !== sleep) return
      sleeping = undefined
      wakeUp()
    })
  }

  return {
    ring() {
      rung = true
      wakeUp()
    },
    clear() {
      rung = false
    },
    wait(ms) {
      if (rung) return Promise.resolve()
      const until = clock.monotonic() + ms
      if (!sleeping || sleeping.until > until) sleepUntil(until)
      return new Promise((resolve) => {
        waiting.push(resolve)
      })
    },
    close() {
      const sleep = sleeping
      sleeping = undefined
      sleep?.abort.abort('closed')
      wakeUp()
    },
  }
}
