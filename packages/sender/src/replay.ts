import {
  ConfigurationError,
  createWorkLoop,
  type Endpoint,
  EndpointError,
  isHooksError,
  type Job,
  type JobLease,
  type JobOutcome,
  type Ms,
  newId,
  type Page,
  type Paged,
  type Seams,
  type Selector,
  type Storage,
  type WorkLoop,
} from '@hooks/core'
import { keyedJobs } from './keyed-job.ts'
import { needs } from './lacks.ts'
import { mismatch } from './match.ts'
import { pageOf } from './page.ts'
import { resendOnce } from './resend.ts'
import { withStorageRetry } from './storage-retry.ts'
import { checkTenant } from './tenant.ts'

/** What is to be sent again to an endpoint. */
export interface ReplayOptions {
  /** Of messages, or deliveries, since this time. */
  readonly since: Date
  /** Until this time: now by default, so that what fails meanwhile is not sent again by the same job. */
  readonly until?: Date
  /** Event types; all by default. */
  readonly types?: readonly string[]
  /** How many a second: 10 by default, so that what is new is not kept waiting. */
  readonly perSecond?: number
  /** The same key again, within a day, begins nothing, and gives the same job; for anything else it is `idempotency_conflict`. */
  readonly idempotencyKey?: string
}

/** What {@link ReplayApi.recover} sends again. */
export interface RecoverOptions extends ReplayOptions {
  /** `failed` and `skipped` by default. */
  readonly states?: readonly ('failed' | 'skipped' | 'cancelled' | 'delivered')[]
}

/** What a replay would do. */
export interface ReplayCount {
  /** Would be sent. */
  readonly matching: number
  /** Cannot be sent any more: the payload is no longer kept. */
  readonly expired: number
}

/** A replay, as it is seen. */
export interface ReplayJob {
  readonly id: string
  readonly tenant: string
  /** `resend`: of one delivery, under an idempotency key. */
  readonly kind: 'recover' | 'replay_missing' | 'resend'
  readonly endpointId: string
  readonly since: Date
  readonly until: Date
  readonly types: readonly string[] | null
  readonly state: Job['state']
  /** Why it failed: `endpoint_not_found`, `endpoint_disabled`, `poison`. */
  readonly reason: string | null
  /** What the dry run counted when it was created. */
  readonly total: ReplayCount
  /** Sent so far; no longer kept; left alone, because in flight or sent meanwhile. */
  readonly sent: number
  readonly expired: number
  readonly left: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly finishedAt: Date | null
}

/** Sending again, as jobs that survive a crash, go at their own pace and can be cancelled. */
export interface ReplayApi {
  /**
   * Sends again, as `deliveries.resend` does, what failed or was skipped at an endpoint. With `dryRun` it only counts.
   *
   * @throws EndpointError `endpoint_not_found`, `endpoint_disabled`, `tenant_invalid`
   * @throws PayloadError `idempotency_*`
   * @throws ConfigurationError `option_invalid`, `storage_lacks`
   */
  recover(tenant: string, endpointId: string, options: RecoverOptions & { readonly dryRun: true }): Promise<ReplayCount>
  recover(tenant: string, endpointId: string, options: RecoverOptions): Promise<ReplayJob>
  /**
   * Sends what an endpoint never got, because it did not exist yet, or its filter was another: messages that match it
   * as it is now and of which it has no delivery. @throws as `recover`
   */
  replayMissing(
    tenant: string,
    endpointId: string,
    options: ReplayOptions & { readonly dryRun: true },
  ): Promise<ReplayCount>
  replayMissing(tenant: string, endpointId: string, options: ReplayOptions): Promise<ReplayJob>
  readonly jobs: JobsApi
}

/** The replays of a tenant. */
export interface JobsApi {
  /** @throws EndpointError `job_not_found` */
  get(tenant: string, id: string): Promise<ReplayJob>
  /** Newest first; 50 a page by default, 250 at most. */
  list(tenant: string, page?: Partial<Page>): Promise<Paged<ReplayJob>>
  /** Ends one that is running; what it has sent stays sent. @throws EndpointError `job_not_found` */
  cancel(tenant: string, id: string): Promise<ReplayJob>
}

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

/** What a job was created with. It is stored as JSON. */
interface Params {
  readonly endpoint: string
  readonly since: number
  readonly until: number
  readonly types: readonly string[] | null
  readonly states: NonNullable<RecoverOptions['states']>
  readonly perSecond: number
  readonly total: ReplayCount
}

interface Progress {
  readonly sent: number
  readonly expired: number
  readonly left: number
}

/** One stretch of a replay: how far it got, and what it did, or would do. */
interface Stretch extends Progress {
  /** Undefined at the end. */
  readonly next: string | undefined
}

const STEP: Ms = 1_000
const PER_SECOND = 10
const MOST_PER_SECOND = 1_000
/** How many are counted in one call. */
const COUNTED = 1_000
/** How many messages one step looks at before it lets others have the storage. */
const MOST_PAGES = 10
const PAGE = 200
/** After a fault of the storage, and while the endpoint is held. */
const LATER: Ms = 5_000
const LATEST: Ms = 60_000
const MOST_CLAIMS = 5

/** Replays: the API, and the loop that works off their jobs. */
export function createReplay(options: ReplaySetup): ReplayApi & { readonly loop: WorkLoop } {
  const { storage, clock, random, logger } = options
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, options)
  const lacks = storage.facts.lacks ?? []
  const keyed = keyedJobs(options)

  async function find(tenant: string, id: string): Promise<Endpoint> {
    checkTenant(tenant)
    const endpoint = await stored(() => storage.endpoints.get(tenant, id))
    if (!endpoint) throw new EndpointError('endpoint_not_found', 'the tenant has no such endpoint')
    if (endpoint.state === 'enabled') return endpoint
    throw new EndpointError('endpoint_disabled', 'the endpoint is disabled', { hint: 'enable it first' })
  }

  function paramsOf(endpoint: string, given: RecoverOptions): Omit<Params, 'total'> {
    const { since, until = clock.now(), types, states = ['failed', 'skipped'], perSecond = PER_SECOND } = given
    for (const [name, time] of Object.entries({ since, until })) {
      if (!(time instanceof Date) || Number.isNaN(time.getTime()))
        throw new ConfigurationError('option_invalid', `${name} is no valid time`)
    }
    if (!Number.isInteger(perSecond) || perSecond < 1 || perSecond > MOST_PER_SECOND)
      throw new ConfigurationError('option_invalid', `perSecond is not a whole number from 1 to ${MOST_PER_SECOND}`)
    return {
      endpoint,
      since: since.getTime(),
      until: until.getTime(),
      types: types ?? null,
      states,
      perSecond,
    }
  }

  async function recoverStretch(
    tenant: string,
    params: Omit<Params, 'total'>,
    limit: number,
    cursor?: string,
    dryRun = false,
  ) {
    const selector = { ...selectorOf(tenant, params), states: params.states }
    const found = await storage.revive(selector, limit, cursor, dryRun)
    const left = found.inFlight + found.blocked
    return { sent: found.revived, expired: found.expired, left, next: found.next }
  }

  async function missingStretch(
    endpoint: Endpoint,
    params: Omit<Params, 'total'>,
    limit: number,
    cursor?: string,
    dryRun = false,
  ): Promise<Stretch> {
    const selector = selectorOf(endpoint.tenant, params)
    const variant = options.variantOf(endpoint)
    const wanted: string[] = []
    let expired = 0
    let next = cursor
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const page = { limit: PAGE, ...(next !== undefined && { cursor: next }) }
      const { data, next: more } = await storage.history.undelivered(selector, page)
      for (const message of data) {
        next = message.id
        if (message.expired) {
          if (mismatch({ ...message, data: undefined }, endpoint) === null) expired++
        } else if (mismatch(message, endpoint) === null) wanted.push(message.id)
        if (wanted.length >= limit) break
      }
      if (wanted.length >= limit) break
      if (more === undefined) {
        next = undefined
        break
      }
    }
    const deliveries = wanted.map((messageId) => ({
      messageId,
      deliveries: [
        {
          id: newId(options.deliveryPrefix, clock, random),
          endpointId: endpoint.id,
          ...(variant !== undefined && { variant }),
        },
      ],
    }))
    const sent = dryRun || deliveries.length === 0 ? deliveries.length : await storage.add(deliveries)
    return { sent, expired, left: wanted.length - sent, next }
  }

  const stretch = (
    kind: string,
    endpoint: Endpoint,
    params: Omit<Params, 'total'>,
    limit: number,
    cursor?: string,
    dryRun?: boolean,
  ) =>
    kind === 'recover'
      ? recoverStretch(endpoint.tenant, params, limit, cursor, dryRun)
      : missingStretch(endpoint, params, limit, cursor, dryRun)

  async function count(
    kind: ReplayJob['kind'],
    endpoint: Endpoint,
    params: Omit<Params, 'total'>,
  ): Promise<ReplayCount> {
    let [matching, expired] = [0, 0]
    let cursor: string | undefined
    do {
      const from = cursor
      const found = await stored(() => stretch(kind, endpoint, params, COUNTED, from, true))
      matching += found.sent
      expired += found.expired
      cursor = found.next
    } while (cursor !== undefined)
    return { matching, expired }
  }

  async function begin(
    kind: ReplayJob['kind'],
    tenant: string,
    endpointId: string,
    { dryRun = false, idempotencyKey, ...given }: RecoverOptions & { readonly dryRun?: boolean },
  ): Promise<ReplayCount | ReplayJob> {
    needs(storage, 'jobs')
    needs(storage, 'replay')
    checkTenant(tenant)
    const params = paramsOf(endpointId, given)
    const wanted = { tenant, kind, idempotencyKey, isSame: (job: Job) => isSame(job, params, given) }
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
    const params = job.params as unknown as Params
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

/** Whether a job is what is asked for. Without `until` it is until now, whenever it was created. */
function isSame({ params }: Job, asked: Omit<Params, 'total'>, { until }: RecoverOptions): boolean {
  const comparable = ({ endpoint, since, until: end, types, states, perSecond }: Omit<Params, 'total'>) =>
    JSON.stringify([endpoint, since, until && end, types, states, perSecond])
  return comparable(params as unknown as Params) === comparable(asked)
}

function selectorOf(tenant: string, params: Omit<Params, 'total'>): Selector & { readonly endpoint: string } {
  const { endpoint, since, until, types } = params
  return { tenant, endpoint, since: new Date(since), until: new Date(until), ...(types && { types }) }
}

function view({ id, tenant, kind, params, state, reason, progress, ...dates }: Job): ReplayJob {
  const { endpoint, since, until, types, total } = params as unknown as Params
  return {
    id,
    tenant,
    kind: kind as ReplayJob['kind'],
    endpointId: endpoint,
    since: new Date(since),
    until: new Date(until),
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
