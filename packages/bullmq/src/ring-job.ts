import type { Ms } from '@hooks/core'
import type { JobsOptions } from 'bullmq'

/** A ring as a job. It carries the name under which others are the same ring, and no work. */
export interface RingJob {
  readonly ring: string
}

/** Rings that are due within such a time are one. */
const BUCKET_MS: Ms = 50
/** A ring for later than that comes early, and is harmless: whoever hears it looks at the storage. */
const LONGEST_MS: Ms = 86_400_000
/**
 * How long a ring that nobody answers keeps others from being made. BullMQ forgets it as soon as it is heard; this is
 * for one whose listener died between the two.
 */
const FORGOTTEN_MS: Ms = 60_000

/**
 * The job for a ring in `inMs`. A job that waits stands for all rings of its name: a million sends while nobody listens
 * make one a minute. `keep` is how many stay on view when they have been answered.
 */
export function ringJob(inMs: Ms, now: Date, keep: number): { data: RingJob; options: JobsOptions } {
  const nowMs = now.getTime()
  const due = inMs > 0 ? Math.ceil((nowMs + Math.min(inMs, LONGEST_MS)) / BUCKET_MS) * BUCKET_MS : nowMs
  const ring = inMs > 0 ? new Date(due).toISOString() : 'now'
  return {
    data: { ring },
    options: {
      delay: due - nowMs,
      timestamp: nowMs,
      deduplication: { id: ring, ttl: due - nowMs + FORGOTTEN_MS },
      removeOnComplete: { count: keep },
      removeOnFail: { count: keep },
    },
  }
}
