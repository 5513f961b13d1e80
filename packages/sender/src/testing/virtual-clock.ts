import type { Clock, Ms } from '@hooks/core'
import { Heap, type Slotted } from '../heap.ts'

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /**
   * Lets `ms` pass. Whoever sleeps until a time within them wakes at exactly that time, one after the other: the
   * earliest first, and of those with one time, whoever went to sleep first. Between two of them, and before and
   * after, whatever is ready to run does, so a sleeper that goes to sleep again can wake more than once on the way.
   *
   * What is ready is what promises and a few turns of `setImmediate` reach: a socket, a file or another thread may
   * take longer than the advance. Several calls at once happen one after the other.
   */
  advance(ms: Ms): Promise<void>
}

interface Sleeper extends Slotted {
  readonly at: Ms
  readonly order: number
  readonly wake: () => void
}

/** How often the event loop turns between two sleepers: code that itself yields with `setImmediate` gets that far. */
const TURNS = 4

/**
 * A {@link Clock} for tests: three days of retries in milliseconds, the same every time. It begins at `start`
 * (default: 2026-01-01 00:00 UTC), `monotonic` at 0, and both move in {@link VirtualClock.advance} alone.
 *
 * @example
 * const clock = virtualClock()
 * const hooks = createSender({ contract, storage: memoryStorage({ clock }), clock })
 * await clock.advance(5 * 60_000)
 */
export function virtualClock(start: Date = new Date('2026-01-01T00:00:00.000Z')): VirtualClock {
  const epoch = start.getTime()
  const sleepers = new Heap<Sleeper>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  let elapsed: Ms = 0
  let order = 0
  let advancing = Promise.resolve()

  async function run(ms: Ms): Promise<void> {
    const end = elapsed + Math.max(0, ms)
    await settle()
    for (let next = sleepers.peek(); next !== undefined && next.at <= end; next = sleepers.peek()) {
      sleepers.delete(next)
      elapsed = next.at
      next.wake()
      await settle()
    }
    elapsed = end
    await settle()
  }

  return {
    now: () => new Date(epoch + elapsed),
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0 || signal?.aborted) return resolve()
        const abort = () => {
          sleepers.delete(sleeper)
          resolve()
        }
        const wake = () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        }
        const sleeper: Sleeper = { at: elapsed + ms, order: order++, wake, slot: -1 }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', abort, { once: true })
      }),
    advance(ms) {
      advancing = advancing.then(() => run(ms))
      return advancing
    },
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
}
