import type { Ms } from '../../seams.ts'
import type { Applied, Lease, Leases } from '../lease.ts'
import type { Page, Paged } from './page.ts'

/**
 * Work on many deliveries that goes on for long: in steps, each of them claimed, run and settled as anything else is. A
 * worker that dies leaves its step to another.
 */
export interface Jobs extends Leases<JobLease, JobOutcome> {
  /** Stores a job, due at once. The same id again changes nothing. */
  create(job: NewJob): Promise<void>
  get(tenant: string, id: string): Promise<Job | null>
  /** Newest first. */
  list(tenant: string, page: Page): Promise<Paged<Job>>
  /** Ends a job that is running. Its step under way settles as stale. `stale` where there is none such. */
  cancel(tenant: string, id: string): Promise<Applied>
}

/** Work that takes many steps, such as a recovery, as it is begun. */
export interface NewJob {
  readonly id: string
  readonly tenant: string
  readonly kind: string
  /** What it is to do; JSON. */
  readonly params: Readonly<Record<string, unknown>>
}

/** A job and how far it has got. */
export interface Job extends NewJob {
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  /** Why it failed. */
  readonly reason: string | null
  /** Where the next step begins; null for the beginning. */
  readonly cursor: string | null
  /** Counts, by name, as of the last step. */
  readonly progress: Readonly<Record<string, number>>
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly finishedAt: Date | null
}

/** A step of a job. `attempt` counts the steps that were settled, and one. */
export interface JobLease extends Lease {
  readonly job: Job
}

/** What came of a step. A stale one changes nothing, whatever its result. */
export type JobOutcome =
  | {
      readonly result: 'continue'
      /** From now, by the store's clock. */
      readonly retryInMs: Ms
      readonly cursor: string | null
      readonly progress: Readonly<Record<string, number>>
    }
  | { readonly result: 'done'; readonly progress: Readonly<Record<string, number>> }
  | { readonly result: 'failed'; readonly reason: string; readonly progress: Readonly<Record<string, number>> }
