import type { Applied, LeaseRef, Leases } from '../ports/lease.ts'
import type { Ms, Seams } from '../seams.ts'
import { backoff } from './backoff.ts'

/** Tells a store what became of leases. */
export interface Settler<Outcome> {
  /** Tries until the lease is over, at `until` (monotonic): undefined then, and another worker does the work. */
  settle(settlement: LeaseRef & Outcome, until: Ms): Promise<Applied | undefined>
}

/** What {@link createSettler} needs. */
interface SettlerOptions<Outcome> extends Seams {
  readonly leases: Pick<Leases<never, Outcome>, 'settle'>
}

const LARGEST_BATCH = 200

/** A {@link Settler} in groups: what comes while one is under way goes with the next. */
export function createSettler<Outcome>(options: SettlerOptions<Outcome>): Settler<Outcome> {
  const { leases, clock, random, logger } = options
  type Item = { settlement: LeaseRef & Outcome; until: Ms; done: (applied: Applied | undefined) => void }
  const waiting: Item[] = []
  let flushing = false

  async function flush(): Promise<void> {
    flushing = true
    // What ends in this turn of the event loop goes together.
    await clock.turn?.()
    while (waiting.length > 0) {
      const batch = waiting.splice(0, LARGEST_BATCH)
      const applied = await settleBatch(batch)
      for (const [i, item] of batch.entries()) item.done(applied?.[i])
    }
    flushing = false
  }

  /** Tries until the leases are over: after that, another worker has the work. */
  async function settleBatch(batch: readonly Item[]): Promise<readonly Applied[] | undefined> {
    const until = Math.max(...batch.map((item) => item.until))
    for (let failures = 1; ; failures++) {
      try {
        return await leases.settle(batch.map((item) => item.settlement))
      } catch (error) {
        const waitMs = backoff(failures, random, { firstMs: 50, mostMs: 5_000 })
        const giveUp = clock.monotonic() + waitMs >= until
        logger.error(
          { error, count: batch.length },
          `hooks: settling failed; ${giveUp ? 'given up, so it is done again' : 'it is tried again'}`,
        )
        if (giveUp) return undefined
        await clock.sleep(waitMs)
      }
    }
  }

  return {
    settle: (settlement, until) =>
      new Promise((done) => {
        waiting.push({ settlement, until, done })
        if (!flushing) void flush()
      }),
  }
}
