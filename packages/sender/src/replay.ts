import {
  checkOptions,
  createWorkLoop,
  type Endpoint,
  EndpointError,
  isHooksError,
  type Job,
  type JobLease,
  type JobOutcome,
  kind,
  listOf,
  type Ms,
  type OptionsRule,
  type Seams,
  type Storage,
  type WorkLoop,
  wholeFrom,
} from '@hooks/core'
import { keyedJobs } from './keyed-job.ts'
import { needs } from './lacks.ts'
import { pageOf } from './page.ts'
import type { RecoverOptions, ReplayApi, ReplayCount, ReplayJob, ReplayOptions } from './replay-api.ts'
import { createStretches, type Params, type Progress, type Scope } from './replay-stretch.ts'
import { resendOnce } from './resend.ts'
import { withStorageRetry } from './storage-retry.ts'
import { checkTenant } from './tenant.ts'

/** What {@link createReplay} needs. */
export interface ReplaySetup extends Seams {
  readonly storage: Storage
  readonly worker: string
  readonly leaseMs: Ms
  readonly pollMs: Ms
  readonly deliveryPrefix: string
  /** How an endpoint wants its bodies. */
  readonly variantOf: (endpoint: Endpoint) => string | undefined
  /** Deliveries are due. */
  readonly due: () => void
}

const STEP: Ms = 1_000
const PER_SECOND = 10
const MOST_PER_SECOND = 1_000
/** After a fault of the storage, and while the endpoint is held. */
const LATER: Ms = 5_000
const LATEST: Ms = 60_000
const MOST_CLAIMS = 5

const REPLAY: OptionsRule<keyof ReplayOptions | 'dryRun'> = {
  of: 'replayMissing',
  needs: ['since'],
  kinds: {
    since: kind.time,
    until: kind.time,
    types: kind.texts,
    perSecond: {
      words: `a whole number from 1 to ${MOST_PER_SECOND}`,
      fits: (value) => wholeFrom(1).fits(value) && (value as number) <= MOST_PER_SECOND,
    },
    // Judged by itself, with a code of its own.
    idempotencyKey: kind.any,
    dryRun: kind.flag,
  },
}
const RECOVER: OptionsRule<keyof RecoverOptions | 'dryRun'> = {
  ...REPLAY,
  of: 'recover',
  kinds: { ...REPLAY.kinds, states: listOf('failed', 'skipped', 'cancelled', 'delivered') },
}

/** Replays: the API, and the loop that works off their jobs. */
export function createReplay(options: ReplaySetup): ReplayApi & { readonly loop: WorkLoop } {
  const { storage, clock, random, logger } = options
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, options)
  const lacks = storage.facts.lacks ?? []
  const { stretch, count } = createStretches(options)
  const keyed = keyedJobs(options)

  async function find(tenant: string, id: string): Promise<Endpoint> {
    checkTenant(tenant)
    const endpoint = await stored(() => storage.endpoints.get(tenant, id))
    if (!endpoint) throw new EndpointError('endpoint_not_found', 'the tenant has no such endpoint')
    if (endpoint.state === 'enabled') return endpoint
    throw new EndpointError('endpoint_disabled', 'the endpoint is disabled', { hint: 'enable it first' })
  }

  function paramsOf(endpoint: string, given: RecoverOptions): Omit<Params, 'total'> {
    const { since, until, types, states = ['failed', 'skipped'], perSecond = PER_SECOND } = given
    return {
      endpoint,
      since: since.getTime(),
      until: until?.getTime() ?? null,
      types: types ?? null,
      states,
      perSecond,
    }
  }

  async function begin(
    kind: ReplayJob['kind'],
    tenant: string,
    endpointId: string,
    asked: RecoverOptions & { readonly dryRun?: boolean },
  ): Promise<ReplayCount | ReplayJob> {
    needs(storage, 'jobs')
    needs(storage, 'replay')
    checkTenant(tenant)
    checkOptions<string>(asked, kind === 'recover' ? RECOVER : REPLAY)
    const { dryRun = false, idempotencyKey, ...given } = asked
    const params = paramsOf(endpointId, given)
    const wanted = { tenant, kind, idempotencyKey, isSame: (job: Job) => isSame(job, params) }
    const found = await keyed.find(dryRun ? { ...wanted, idempotencyKey: undefined } : wanted)
    if ('job' in found) return view(found.job)
    const endpoint = await find(tenant, endpointId)
    const total = await count(kind, endpoint, params)
    if (dryRun) return total
    const job = await keyed.create(wanted, found.id, { ...params, total })
    loop.wake()
    return view(job)
  }

  async function run({ job, claims }: JobLease): Promise<JobOutcome> {
    const params = { ...(job.params as unknown as Params), until: untilOf(job) }
    const progress: Progress = { sent: 0, expired: 0, left: 0, ...job.progress }
    const failed = (reason: string): JobOutcome => ({ result: 'failed', reason, progress: { ...progress } })
    const later = (retryInMs: Ms): JobOutcome => ({
      result: 'continue',
      retryInMs,
      cursor: job.cursor,
      progress: { ...progress },
    })
    if (claims > MOST_CLAIMS) return failed('poison')
    try {
      if (job.kind === 'resend') return { result: 'done', progress: await resendOnce(storage, job, options.due) }
      const endpoint = await storage.endpoints.get(job.tenant, params.endpoint)
      if (!endpoint) return failed('endpoint_not_found')
      if (endpoint.state === 'disabled') return failed('endpoint_disabled')
      const [lane] = lacks.includes('health') ? [] : await storage.lanes([endpoint.id])
      // What is sent to an endpoint that is left alone would only pile up before what is new.
      if (lane && (lane.heldForMs > 0 || lane.paused)) return later(Math.min(LATEST, Math.max(STEP, lane.heldForMs)))
      const done = await stretch(job.kind, endpoint, params, params.perSecond, job.cursor ?? undefined)
      if (done.sent > 0) options.due()
      const sum = {
        sent: progress.sent + done.sent,
        expired: progress.expired + done.expired,
        left: progress.left + done.left,
      }
      if (done.next === undefined) return { result: 'done', progress: sum }
      return { result: 'continue', retryInMs: STEP, cursor: done.next, progress: sum }
    } catch (error) {
      if (!isHooksError(error)) throw error
      logger.warn({ error, job: job.id }, 'hooks: a step of a replay failed; it is made again')
      return later(LATER)
    }
  }

  const loop = createWorkLoop<JobLease, JobOutcome>({
    clock,
    random,
    logger,
    worker: options.worker,
    concurrency: 1,
    leaseMs: options.leaseMs,
    pollMs: Math.max(options.pollMs, LATER),
    leases: storage.jobs,
    run,
  })

  async function get(tenant: string, id: string): Promise<ReplayJob> {
    checkTenant(tenant)
    const job = await stored(() => storage.jobs.get(tenant, id))
    if (job) return view(job)
    throw new EndpointError('job_not_found', 'the tenant has no such job')
  }

  return {
    recover: ((tenant: string, endpointId: string, given: RecoverOptions) =>
      begin('recover', tenant, endpointId, given)) as ReplayApi['recover'],
    replayMissing: ((tenant: string, endpointId: string, given: ReplayOptions) =>
      begin('replay_missing', tenant, endpointId, given)) as ReplayApi['replayMissing'],
    jobs: {
      get,
      async list(tenant, page) {
        checkTenant(tenant)
        const found = await stored(() => storage.jobs.list(tenant, pageOf(page)))
        return { ...found, data: found.data.map(view) }
      },
      async cancel(tenant, id) {
        await get(tenant, id)
        await stored(() => storage.jobs.cancel(tenant, id))
        return get(tenant, id)
      },
    },
    loop,
  }
}

/** Whether a job is what is asked for. */
function isSame({ params }: Job, asked: Scope): boolean {
  const comparable = ({ endpoint, since, until, types, states, perSecond }: Scope) =>
    JSON.stringify([endpoint, since, until, types, states, perSecond])
  return comparable(params as unknown as Params) === comparable(asked)
}

/**
 * Until when a job looks: until it was created, where nothing else was asked for. The storage has written both that time
 * and those that it is compared with, so no other clock has a say; what is of the same millisecond belongs to it.
 */
const untilOf = ({ params, createdAt }: Job): Ms => (params as unknown as Params).until ?? createdAt.getTime() + 1

function view(job: Job): ReplayJob {
  const { id, tenant, kind, params, state, reason, progress, ...dates } = job
  const { endpoint, since, until, types, total } = params as unknown as Params
  return {
    id,
    tenant,
    kind: kind as ReplayJob['kind'],
    endpointId: endpoint,
    since: new Date(since),
    until: until === null ? dates.createdAt : new Date(until),
    types,
    state,
    reason,
    total,
    sent: progress.sent ?? 0,
    expired: progress.expired ?? 0,
    left: progress.left ?? 0,
    createdAt: dates.createdAt,
    updatedAt: dates.updatedAt,
    finishedAt: dates.finishedAt,
  }
}
