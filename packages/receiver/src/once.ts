import type { Clock, IdempotencyStore, LeaseRef, Ms } from '@hooks/core'

/** What became of a message; with the error, where that is a failure. */
export interface Run {
  readonly outcome: string
  readonly error?: unknown
  readonly retryInMs?: Ms
}

/** How {@link runOnce} remembers. */
export interface Memory {
  readonly store: IdempotencyStore
  readonly key: string
  /** Names the signed bytes, where the id is not signed: they count as done under any other id, for ten minutes. */
  readonly digest?: string | undefined
  readonly leaseMs: Ms
  readonly keepMs: Ms
  readonly clock: Clock
}

const DIGEST_MS = 600_000

/** Runs `work`, unless someone did or does, and holds its lease meanwhile. It never rejects. */
export async function runOnce(memory: Memory, work: (attempt: number, signal: AbortSignal) => unknown): Promise<Run> {
  const { store, key, digest, leaseMs } = memory
  const over = new AbortController()
  const lost = new AbortController()
  let lease: LeaseRef | undefined
  try {
    if (digest && (await store.completedWithin(digest, DIGEST_MS))) return { outcome: 'duplicate' }
    const begun = await store.begin(key, { leaseMs })
    if (begun.state === 'completed') return { outcome: 'duplicate' }
    if (begun.state === 'in_progress') return { outcome: 'in_progress', retryInMs: begun.retryInMs }
    lease = begun.lease
    void hold(memory, lease, over.signal, lost)
    await work(begun.lease.attempt, lost.signal)
    return await complete(memory, lease)
  } catch (error) {
    if (!lease) return { outcome: 'store_unavailable', error }
    // Where the store fails too, the lease runs out by itself.
    await Promise.resolve(store.abandon(lease)).catch(() => {})
    return { outcome: 'handler_failed', error }
  } finally {
    over.abort()
  }
}

/** Extends a lease at every third of it, until `over`. */
async function hold({ store, leaseMs, clock }: Memory, lease: LeaseRef, over: AbortSignal, lost: AbortController) {
  let end = clock.monotonic() + leaseMs
  for (;;) {
    await clock.sleep(leaseMs / 3, over)
    if (over.aborted) return
    const now = clock.monotonic()
    try {
      end = (await store.extend(lease, leaseMs)) === 'stale' ? now : now + leaseMs
    } catch {
      // The store may be back at the next beat.
    }
    if (end <= clock.monotonic()) return lost.abort()
  }
}

/** The work is done. The claim is never given up from here on: that would let it be done again at once. */
async function complete({ store, digest, leaseMs, keepMs, clock }: Memory, lease: LeaseRef): Promise<Run> {
  let error: unknown = 'the lease was lost'
  for (const pauseMs of [50, 200, 800, 0]) {
    try {
      const mark = digest && (await store.begin(digest, { leaseMs }))
      if (mark && mark.state === 'claimed') await store.complete(mark.lease, { keepMs: DIGEST_MS })
      if ((await store.complete(lease, { keepMs })) === 'applied') return { outcome: 'handled' }
      break
    } catch (cause) {
      error = cause
      await clock.sleep(pauseMs)
    }
  }
  return { outcome: 'in_progress', retryInMs: leaseMs, error }
}
