import { type Applied, type Begun, ConfigurationError } from '@hooks/core'
import { drive } from './drive.ts'
import type { Memory } from './once.ts'
import { failureOf, isOver, type Run, unheld, type Work } from './run.ts'

/**
 * The host's function that runs its callback in a transaction: it commits when that resolves, and rolls back when it
 * rejects. Whatever it takes beside the callback is left out.
 */
export type AnyTransaction = (run: never) => unknown

/**
 * Runs `work` in the host's transaction, together with the claim before it and the completion after it: all of it is
 * there, or none. Where the transaction rolls back, the claim was never made. A commit whose answer is lost is a 503:
 * the sender's next attempt finds what became of it. It never rejects.
 *
 * Where the store's transactions are synchronous, so must the handler be: such a transaction is over, or lets others in,
 * while a promise is pending.
 */
export async function runInTransaction(memory: Memory, work: Work, transaction: AnyTransaction): Promise<Run> {
  const synchronous = memory.store.facts.tx === 'sync'
  // A host may run its callback again after a conflict: only the last time counts.
  let last: Run | undefined
  try {
    if (await memory.store.isDone?.()) return { outcome: 'duplicate' }
    await transaction(((tx: unknown) => {
      last = undefined
      return drive(steps(memory, work, tx), synchronous, (run) => {
        last = run
        // The transaction must not commit.
        if (!isSettled(run)) throw new Error(run.outcome)
      })
    }) as never)
    return last ?? { outcome: 'store_unavailable', error: 'the transaction did not run' }
  } catch (error) {
    const ran = last as Run | undefined
    if (ran && !isSettled(ran)) return ran
    const outcome = error instanceof ConfigurationError ? error.code : 'store_unavailable'
    return { outcome, error }
  }
}

/** Whether nothing was begun that has to be undone. */
const isSettled = (run: Run) =>
  isOver(run) || run.outcome === 'duplicate' || (run.outcome === 'in_progress' && !run.error)

/** What happens in the transaction, step by step: each gives a value or a promise of it. */
function* steps({ store, key, leaseMs, keepMs }: Memory, work: Work, tx: unknown): Generator<unknown, Run, unknown> {
  const begun = (yield store.begin(key, { leaseMs, tx })) as Begun
  if (begun.state === 'completed') return { outcome: 'duplicate' }
  if (begun.state === 'in_progress') return { outcome: begun.state, retryInMs: begun.retryInMs }
  let run: Run = { outcome: 'handled' }
  try {
    // The transaction holds the claim for as long as it lasts.
    yield work({ ...unheld(begun.lease.attempt), tx })
  } catch (error) {
    run = failureOf(error)
  }
  if (!isOver(run)) return run
  const applied = (yield store.complete(begun.lease, { keepMs, tx })) as Applied
  return applied === 'applied' ? run : { outcome: 'in_progress', error: 'the lease was lost' }
}
