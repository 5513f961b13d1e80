import type { Job, Page, Paged } from '@hooks/core'

/** What is to be sent again to an endpoint. */
export interface ReplayOptions {
  /** Of messages, or deliveries, since this time. */
  readonly since: Date
  /**
   * Until this time, by the clock of the storage: until the job is created by default, so that what comes meanwhile is not
   * sent again by the same job.
   */
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
   * @throws EndpointError `endpoint_not_found`, `endpoint_disabled`, `tenant_invalid`; `job_not_found` where the tenant is
   *   expunged at that moment
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
