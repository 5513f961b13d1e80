import type { Clock, IdempotencyStore, LeaseRef, Ms } from '@hooks/core'

/** What became of a message, with the error where that is a failure. */
export interface Run {
  readonly outcome: string
  readonly error?: unknown
  readonly retryInMs?: Ms
}

/** How {@link runOnce} remembers. */
export interface Memory {
  readonly store: IdempotencyStore
  readonly key: string
  /** Stands for the signed bytes, where the id is not signed: once done, they count as done under any id for ten minutes. */
  readonly digest: string | undefined
  readonly leaseMs: Ms
  readonly keepMs: Ms
  readonly clock: Clock
}

const DIGEST_MS = 600_000
const COMPLETE_TRIES = 4

/** Runs `work`, unless someone did or does, and holds its lease meanwhile. It never rejects. */
export async function runOnce(memory: Memory, work: (attempt: number, signal: AbortSignal) => unknown): Promise<Run> {
  const { store, key, digest, leaseMs, keepMs, clock } = memory
  const over = new AbortController()
  const lost = new AbortController()
  let lease: LeaseRef | undefined
  // What a failure means, from here on.
  let outcome = 'store_unavailable'
  try {
    if (digest && (await store.completedWithin(digest, DIGEST_MS))) return { outcome: 'duplicate' }
    const begun = await store.begin(key, { leaseMs })
    if (begun.state === 'completed') return { outcome: 'duplicate' }
    if (begun.state === 'in_progress') return { outcome: begun.state, retryInMs: begun.retryInMs }
    lease = begun.lease
    void hold(memory, lease, over.signal, lost)

    outcome = 'handler_failed'
    await work(begun.lease.attempt, lost.signal)

    // Done. From here on the claim is never given up: that would let the work be done again at once.
    outcome = 'in_progress'
    for (let tries = 1; ; tries++) {
      try {
        const mark = digest && (await store.begin(digest, { leaseMs }))
        if (mark && mark.state === 'claimed') await store.complete(mark.lease, { keepMs: DIGEST_MS })
        if ((await store.complete(lease, { keepMs })) === 'applied') return { outcome: 'handled' }
        return { outcome, error: 'the lease was lost', retryInMs: leaseMs }
      } catch (error) {
        if (tries === COMPLETE_TRIES) throw error
        await clock.sleep(50 * 4 ** tries)
      }
    }
  } catch (error) {
    if (lease && outcome === 'handler_failed') {
      try {
        await store.abandon(lease)
      } catch {
        // The lease runs out by itself.
      }
    }
    return { outcome, error, retryInMs: leaseMs }
  } finally {
    over.abort()
  }
}

/** Extends the lease at every third of it, until the work is over. */
async function hold({ store, leaseMs, clock }: Memory, lease: LeaseRef, over: AbortSignal, lost: AbortController) {
  for (let end = clock.monotonic() + leaseMs; ; ) {
    await clock.sleep(leaseMs / 3, over)
    if (over.aborted) return
    const now = clock.monotonic()
    try {
      end = (await store.extend(lease, leaseMs)) === 'applied' ? now + leaseMs : now
    } catch {
      // The store may be back at the next beat.
    }
    if (end <= clock.monotonic()) return lost.abort()
  }
}
