import { backoff, isHooksError, type Seams } from '@hooks/core'
import pRetry from 'p-retry'

const RETRIES = 3

/**
 * Carries a storage call over a fault that passes: a dropped connection, a failover. Every method of a storage is
 * safe to call again. It sleeps on the given clock, and p-retry's own timers are never used.
 */
export function withStorageRetry<T>(
  call: () => Promise<T> | T,
  { clock, random }: Pick<Seams, 'clock' | 'random'>,
): Promise<T> {
  const passing = (error: unknown) => isHooksError(error, 'storage_unavailable')
  return pRetry(async () => call(), {
    retries: RETRIES,
    minTimeout: 0,
    maxTimeout: 0,
    shouldRetry: ({ error }) => passing(error),
    onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
      if (passing(error) && retriesLeft > 0)
        await clock.sleep(backoff(attemptNumber, random, { firstMs: 50, mostMs: 1_000 }))
    },
  })
}
