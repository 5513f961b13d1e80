import { type Answering, type Clock, createAnswering, type Queue, QueueError, systemClock } from '@hooks/core'

/**
 * A queue within one process: for tests of several senders, on a virtual clock or the real one. Each ring goes to one
 * of those who listen when it is due, in turn; where nobody does, it is lost.
 *
 * @example
 * const queue = memoryQueue({ clock })
 * const web = createSender({ contract, storage, queue, clock })
 * const worker = createSender({ contract, storage, queue, clock, transport })
 * worker.start()
 */
export function memoryQueue({ clock = systemClock }: { readonly clock?: Clock } = {}): Queue {
  /** Of the rings on their way: one for each, because a signal that a thousand listened to would be reported as a leak. */
  const underway = new Set<AbortController>()
  let listeners: Answering[] = []
  let turn = 0
  let closed = false

  async function carry(inMs: number): Promise<void> {
    const ring = new AbortController()
    underway.add(ring)
    await clock.sleep(inMs, ring.signal)
    underway.delete(ring)
    if (listeners.length > 0) await listeners[turn++ % listeners.length]?.ring()
  }

  function open(): void {
    if (closed) throw new QueueError('queue_closed', 'the queue was closed')
  }

  return {
    async ring(inMs) {
      open()
      void carry(inMs)
    },
    async listen(onRing, options) {
      open()
      const answering = createAnswering(onRing, options, clock)
      listeners.push(answering)
      return {
        stop(drainMs) {
          listeners = listeners.filter((one) => one !== answering)
          return answering.stop(drainMs)
        },
      }
    },
    async close() {
      closed = true
      const stopping = listeners
      listeners = []
      for (const ring of underway) ring.abort()
      await Promise.all(stopping.map((one) => one.stop(0)))
    },
  }
}
