import { type Clock, type Ms, QueueError } from '@hooks/core'

/**
 * Until `work` is done, unless it takes longer than `ms` or fails.
 *
 * @throws QueueError `queue_unavailable`
 */
export async function atMost(ms: Ms, clock: Clock, work: Promise<void>): Promise<void> {
  const done = new AbortController()
  const late = clock.sleep(ms, done.signal).then(() => {
    throw new QueueError('queue_unavailable', `NATS did not answer within ${ms} ms`, {
      hint: 'look at the connection to NATS; rings are lost meanwhile, and polling finds the work',
    })
  })
  try {
    await Promise.race([work, late])
  } catch (error) {
    throw unavailable(error)
  } finally {
    // With a reason: without one, an exception is made each time.
    done.abort('answered')
  }
}

/** What the NATS client reports, as an error of ours. */
export function unavailable(error: unknown): QueueError {
  if (error instanceof QueueError) return error
  return new QueueError('queue_unavailable', 'the connection to NATS failed', {
    hint: 'look at its cause; connect with maxReconnectAttempts: -1, so that it comes back however long it was away',
    cause: error,
  })
}
