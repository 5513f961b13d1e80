import type { Ms } from '../seams.ts'

/**
 * A doorbell. A ring says that work is due in a while, and nothing else: it carries no work, so a queue can lose,
 * repeat, delay and reorder rings without harm. The storage is the truth, and its poll the floor.
 */
export interface Queue<Tx = unknown> {
  /** Rings in `inMs`. With `tx`, where the queue can, only if that transaction commits. */
  ring(inMs: Ms, tx?: Tx): Promise<void>
  /** Calls `onRing` for each ring, at most `concurrency` at a time, until stopped. */
  listen(
    onRing: (signal: AbortSignal) => Promise<void>,
    options: { readonly concurrency: number },
  ): Promise<{ stop(drainMs: Ms): Promise<void> }>
  close(): Promise<void>
}
