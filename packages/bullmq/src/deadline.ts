import { type Clock, type Ms, QueueError } from '@hooks/core'

/**
 * What `work` gives, unless it takes longer than `ms` or fails.
 *
 * @throws QueueError `queue_unavailable`
 */
export async function atMost<T>(ms: Ms, clock: Clock, work: Promise<T>): Promise<T> {
  const done = new AbortController()
  const late = clock.sleep(ms, done.signal).then((): never => {
    throw new QueueError('queue_unavailable', `Redis did not answer within ${ms} ms`, {
      hint: 'look at the connection to Redis; rings are lost meanwhile, and polling finds the work',
    })
  })
  try {
    return await Promise.race([work, late])
  } catch (error) {
    throw unavailable(error)
  } finally {
    // With a reason: without one, an exception is made each time.
    done.abort('answered')
  }
}

/** What BullMQ and its client report, as an error of ours. */
export function unavailable(error: unknown): QueueError {
  if (error instanceof QueueError) return error
  return new QueueError('queue_unavailable', 'the connection to Redis failed', {
    hint: 'look at its cause; rings are lost meanwhile, and polling finds the work',
    cause: error,
  })
}
