import type { Clock, Ms } from '@hooks/core'

/** Looks for what was sent in a host's transaction. */
export interface Kicks {
  /** A message was stored, and nobody will tell when its transaction commits. */
  soon(): void
  stop(): void
}

/** From one look to the next, since the last send: soon, and ever less often until the poll does. */
const PAUSES_MS: readonly Ms[] = [5, 20, 80, 320]

/**
 * Calls `look` a few times after each send, until its transaction may be expected to have committed. All sends share one
 * sequence, which begins anew with each: a look is for all of them, so a thousand sends at once are looked for a handful of times.
 */
export function createKicks(clock: Clock, look: () => void): Kicks {
  let next = 0
  let pause: { readonly given: AbortController; readonly first: boolean } | undefined
  let isStopped = false

  async function run(): Promise<void> {
    for (let ms = PAUSES_MS[next]; ms !== undefined && !isStopped; ms = PAUSES_MS[next]) {
      const given = new AbortController()
      pause = { given, first: next === 0 }
      next++
      await clock.sleep(ms, given.signal)
      if (!given.signal.aborted) look()
    }
    pause = undefined
  }

  return {
    soon() {
      if (isStopped) return
      next = 0
      if (!pause) void run()
      // Before the first look there is one soon enough, however many sends come: cut short by each, it would never be.
      else if (!pause.first) pause.given.abort()
    },
    stop() {
      isStopped = true
      pause?.given.abort()
    },
  }
}
