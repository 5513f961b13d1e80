import type { Clock, Ms } from '@hooks/core'

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /**
   * Lets `ms` pass. Who sleeps until a time within them wakes at that time, the earliest first. What is ready to run
   * does so around each waking, as far as promises reach: a socket or a file may take longer than the advance.
   */
  advance(ms: Ms): Promise<void>
}

/** How many promises in a row are followed around each waking. */
const TURNS = 100

/**
 * A {@link Clock} for tests: hours of a lease in milliseconds, the same every time. It begins at `start`
 * (2026-01-01 00:00 UTC by default), `monotonic` at 0, and both move in {@link VirtualClock.advance} alone.
 *
 * @example
 * const clock = virtualClock()
 * const receiver = createReceiver({ secret, clock, idempotency: memoryIdempotency({ clock }) })
 * await clock.advance(60_000)
 */
export function virtualClock(start: Date = new Date('2026-01-01T00:00:00.000Z')): VirtualClock {
  const sleepers = new Set<{ readonly at: Ms; readonly wake: () => void }>()
  let elapsed = 0
  return {
    now: () => new Date(start.getTime() + elapsed),
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { at: elapsed + ms, wake }
        if (ms <= 0 || signal?.aborted) return resolve()
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
      }),
    async advance(ms) {
      const end = elapsed + ms
      for (;;) {
        await settle()
        const [next] = [...sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (!next) break
        elapsed = next.at
        next.wake()
      }
      elapsed = end
      await settle()
    },
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await undefined
}
