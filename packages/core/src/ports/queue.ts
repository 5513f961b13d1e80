import type { Ms } from '../seams.ts'

/**
 * A doorbell between processes. A ring says that work is due in a while, and nothing else: it carries no work, so a
 * queue may lose, repeat, delay, hasten and reorder rings, and may make one of several, without harm. The storage is the
 * truth, its claim the gate, and its poll the floor.
 *
 * A queue takes no part in transactions. What a ring before the commit sent others to look for would not be there yet,
 * and a statement more in the host's transaction is what a send is made to avoid: a sender rings afterwards.
 *
 * Connections come back by themselves; until then, rings are lost. `queueSuite` of `@hooks/sender/testing` is this
 * contract as tests.
 */
export interface Queue {
  /**
   * Rings in `inMs`, 0 being now. It resolves when the queue has taken the ring, not when it was heard; where nobody
   * listens, the ring may be lost. Callers wait for it no longer than they like, and may leave it behind.
   *
   * @throws QueueError `queue_unavailable`, `queue_closed`
   */
  ring(inMs: Ms): Promise<void>
  /**
   * Calls `onRing` for rings, until stopped. Each goes to one of those who listen, in whichever process, or to several.
   * A ring that comes while `concurrency` calls are running is answered after one of them, together with all others that
   * wait.
   *
   * @throws QueueError `queue_unavailable`, `queue_closed`
   */
  listen(onRing: (signal: AbortSignal) => Promise<void>, options: ListenOptions): Promise<Listening>
  /** Stops all listening and lets go of connections of its own. Later calls reject with `queue_closed`. Idempotent. */
  close(): Promise<void>
}

/** How rings are answered. */
export interface ListenOptions {
  /** How many calls of `onRing` run at a time, from 1. */
  readonly concurrency: number
  /** Told of what disturbs the listening: a connection that was lost, an `onRing` that rejected. It goes on all the same. */
  readonly onError?: (error: unknown) => void
}

/** Somebody who listens. */
export interface Listening {
  /**
   * Answers no more, waits `drainMs` for the calls that run, then aborts their signal. No call begins after it has
   * resolved. Idempotent.
   */
  stop(drainMs: Ms): Promise<void>
}
