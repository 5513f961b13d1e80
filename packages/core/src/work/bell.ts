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

/** A sleep under way. */
interface Sleep {
  readonly until: Ms
  readonly abort: AbortController
}

/**
 * A {@link Bell} that sleeps on `clock`. A busy loop rings thousands of times a second, and starting and aborting a sleep
 * for each would cost more than the work. So a sleep goes on across rings and waits, and wakes whoever waits then; a wait
 * starts one only where it needs an earlier end than all that are under way.
 */
export function createBell(clock: Clock): Bell {
  let rung = false
  let waiting: (() => void)[] = []
  /** The one that ends first is last. */
  let sleeping: Sleep[] = []

  function wakeUp(): void {
    const woken = waiting
    waiting = []
    for (const wake of woken) wake()
  }

  function sleepUntil(until: Ms): void {
    const sleep = { until, abort: new AbortController() }
    sleeping.push(sleep)
    void clock.sleep(until - clock.monotonic(), sleep.abort.signal).then(() => {
      if (!sleeping.includes(sleep)) return
      sleeping = sleeping.filter((other) => other !== sleep)
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
      const first = sleeping.at(-1)
      if (!first || first.until > until) sleepUntil(until)
      return new Promise((resolve) => {
        waiting.push(resolve)
      })
    },
    close() {
      const over = sleeping
      sleeping = []
      for (const { abort } of over) abort.abort('closed')
      wakeUp()
    },
  }
}
