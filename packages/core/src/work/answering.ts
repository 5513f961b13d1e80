import type { Listening, ListenOptions } from '../ports/queue.ts'
import type { Clock } from '../seams.ts'

/** The listening half of a queue: an adapter passes on what it hears. */
export interface Answering extends Listening {
  /**
   * Answers a ring, and resolves when it is answered. While all calls are taken it waits for one to end, and every
   * ring until then is the same. Never rejects.
   */
  ring(): Promise<void>
}

/** {@link Answering} with `onRing`. `clock` bounds the wait of its `stop`. */
export function createAnswering(
  onRing: (signal: AbortSignal) => Promise<void>,
  { concurrency, onError }: ListenOptions,
  clock: Clock,
): Answering {
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  let waiting: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  async function call(): Promise<void> {
    try {
      await onRing(stopping.signal)
    } catch (error) {
      onError?.(error)
    }
  }

  function begin(): Promise<void> {
    const answering = call().finally(() => running.delete(answering))
    running.add(answering)
    return answering
  }

  async function afterAnother(): Promise<void> {
    await Promise.race(running)
    waiting = undefined
    if (stopped === undefined) await begin()
  }

  async function stop(drainMs: number): Promise<void> {
    const idle = new AbortController()
    await Promise.race([Promise.all(running), clock.sleep(drainMs, idle.signal)])
    idle.abort()
    stopping.abort()
  }

  return {
    ring() {
      if (stopped !== undefined) return Promise.resolve()
      // Whoever waits is the next: another that slipped in before would be one call too many.
      if (!waiting && running.size < concurrency) return begin()
      waiting ??= afterAnother()
      return waiting
    },
    stop(drainMs) {
      stopped ??= stop(drainMs)
      return stopped
    },
  }
}
