import { EndpointError, type Job, newId, PayloadError, type Seams, type Storage } from '@hooks/core'
import { checkIdempotencyKey, keyedIds } from './keyed-id.ts'
import { withStorageRetry } from './storage-retry.ts'

const JOB_PREFIX = 'job_'

/** What {@link keyedJobs} needs. */
export interface KeyedJobsOptions extends Seams {
  readonly storage: Storage
}

/** A job that is to be created, and whether one that is there already is the same. */
export interface WantedJob {
  readonly tenant: string
  readonly kind: string
  readonly idempotencyKey: string | undefined
  isSame(job: Job): boolean
}

/** Jobs that are created once for a key. */
export function keyedJobs({ storage, ...seams }: KeyedJobsOptions) {
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, seams)

  function same(job: Job, { kind, isSame }: WantedJob): Job {
    if (job.kind === kind && isSame(job)) return job
    throw new PayloadError('idempotency_conflict', 'this key was used for something else', {
      hint: 'a key is for one call, and for making that again; take another one',
    })
  }

  return {
    /**
     * The job of this key, where it was created within the last day; else the id for it.
     *
     * @throws PayloadError `idempotency_key_invalid`, `idempotency_conflict`
     */
    async find(wanted: WantedJob): Promise<{ readonly job: Job } | { readonly id: string }> {
      const { tenant, idempotencyKey } = wanted
      if (idempotencyKey === undefined) return { id: newId(JOB_PREFIX, seams.clock, seams.random) }
      checkIdempotencyKey(idempotencyKey)
      const [id, before] = await keyedIds(JOB_PREFIX, tenant, idempotencyKey, seams.clock)
      for (const one of [id, before]) {
        const job = await stored(() => storage.jobs.get(tenant, one))
        if (job) return { job: same(job, wanted) }
      }
      return { id }
    },
    /**
     * Another call with the same key may be the first: then its job is given.
     *
     * @throws EndpointError `job_not_found`
     * @throws PayloadError `idempotency_conflict`
     */
    async create(wanted: WantedJob, id: string, params: Job['params']): Promise<Job> {
      const { tenant, kind } = wanted
      await stored(() => storage.jobs.create({ id, tenant, kind, params }))
      const job = await stored(() => storage.jobs.get(tenant, id))
      if (!job) throw new EndpointError('job_not_found', 'the tenant was expunged while this was begun')
      return same(job, wanted)
    },
  }
}
