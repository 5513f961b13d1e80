import type { Clock, IdempotencyStore, Lease, MaybePromise, Ms } from '@hooks/core'
import { invalid } from './invalid.ts'
import { type Given, isOver, type Run, runWork, type Work } from './run.ts'

/** The part of a store that knows what was done. */
export interface Remembering<Tx = unknown>
  extends Pick<IdempotencyStore<Tx>, 'facts' | 'begin' | 'complete' | 'abandon' | 'extend'> {
  /** Whether the message was done under another key. */
  readonly isDone?: () => MaybePromise<boolean>
}

/** How {@link runOnce} remembers. */
export interface Memory {
  readonly store: Remembering
  readonly key: string
  readonly leaseMs: Ms
  readonly keepMs: Ms
  readonly clock: Clock
}

const COMPLETE_TRIES = 4

/** Runs `work`, unless someone did or does, and holds its lease meanwhile. It never rejects. */
export async function runOnce(memory: Memory, work: Work): Promise<Run> {
  const { store, key, leaseMs, keepMs, clock } = memory
  let over: AbortController | undefined
  // What a failure of the store means, from here on.
  let outcome = 'store_unavailable'
  try {
    const begun = await store.begin(key, { leaseMs })
    if (begun.state === 'completed') return { outcome: 'duplicate' }
    if (begun.state === 'in_progress') return { outcome: begun.state, retryInMs: begun.retryInMs }
    const { lease } = begun

    const run = await runWork(work, hold(memory, lease, (over = new AbortController()).signal))
    if (!isOver(run)) {
      // Where that fails, the lease runs out by itself.
      await (async () => store.abandon(lease))().catch(() => {})
      return run
    }

    // Done. From here on the claim is never given up: that would let the work be done again at once.
    outcome = 'in_progress'
    for (let tries = 1; ; tries++) {
      try {
        if ((await store.complete(lease, { keepMs })) === 'applied') return run
        return { outcome, error: 'the lease was lost' }
      } catch (error) {
        if (tries === COMPLETE_TRIES) throw error
        await clock.sleep(50 * 4 ** tries)
      }
    }
  } catch (error) {
    return { outcome, error }
  } finally {
    // By a reason of its own: the usual one is an error, and its stack costs as much as the rest of this.
    over?.abort(null)
  }
}

/** Extends the lease at every third of it, until the work is over. */
function hold({ store, leaseMs, clock }: Memory, lease: Lease, over: AbortSignal): Given {
  let lost: AbortController | undefined
  const loss = () => (lost ??= new AbortController())
  let span = leaseMs
  let end = clock.monotonic() + span
  const extendLease = async (ms = leaseMs): Promise<boolean> => {
    // What is no number would end the lease.
    span = Math.max(span, ms) || invalid('extendLease takes ms')
    const now = clock.monotonic()
    const held = (await store.extend(lease, span)) === 'applied'
    if (held) end = now + span
    else loss().abort()
    return held
  }
  const beat = async () => {
    while (!lost?.signal.aborted) {
      await clock.sleep(leaseMs / 3, over)
      if (over.aborted) return
      // Not waited for: a store that says nothing hides no loss. It may be back at the next beat.
      extendLease().catch(() => {})
      if (end <= clock.monotonic()) loss().abort()
    }
  }
  void beat()
  return {
    attempt: lease.attempt,
    signal: () => loss().signal,
    extendLease,
  }
}
