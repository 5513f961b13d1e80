import type { Applied, ClaimOptions, Job, JobLease, JobOutcome, LeaseRef, Ms, NewJob, Page, Paged } from '@hooks/core'
import { countOf, paged } from './page.ts'
import { decodeText, encodeText } from './rows.ts'
import type { Session } from './session.ts'
import { CONTINUE_JOB, DUE_JOBS, END_JOB, FIND_JOB, INSERT_JOB, LEASE_JOB, NEXT_JOB, RELEASE_JOB } from './sql/jobs.ts'
import { after, dateOf, type Epoch } from './time.ts'

interface JobRow {
  readonly id: string
  readonly tenant: string
  readonly kind: string
  readonly params: string
  readonly state: Job['state']
  readonly reason: string | null
  readonly cursor: string | null
  readonly progress: string
  readonly claims: number
  readonly attempts: number
  readonly created_at: Epoch
  readonly updated_at: Epoch
  readonly finished_at: Epoch | null
}

/** {@link Jobs.create}. */
export function createJob(db: Session, now: Epoch, { id, tenant, kind, params }: NewJob): void {
  db.run(INSERT_JOB, id, tenant, kind, JSON.stringify(params), now, now, now)
}

/** {@link Jobs.get}. */
export function findJob(db: Session, tenant: string, id: string): Job | null {
  const row = db.get<JobRow>(FIND_JOB, id, tenant)
  return row ? jobOf(row) : null
}

/** {@link Jobs.list}. */
export function listJobs(db: Session, tenant: string, page: Page): Paged<Job> {
  return paged(page, {
    rows: ({ cursor, limit, offset }) =>
      db
        .all<JobRow>(
          `select * from hooks_job where tenant = ? ${cursor === undefined ? '' : 'and id < ?'}
          order by id desc limit ? offset ?`,
          tenant,
          ...(cursor === undefined ? [] : [cursor]),
          limit,
          offset,
        )
        .map(jobOf),
    count: () => countOf(db, 'hooks_job where tenant = ?', [tenant]),
  })
}

/** {@link Jobs.cancel}. */
export function cancelJob(db: Session, now: Epoch, tenant: string, id: string): Applied {
  if (!db.get(FIND_JOB, id, tenant)) return 'stale'
  return applied(db.run(END_JOB, 'cancelled', null, null, now, now, id, null, null))
}

/** {@link Jobs.claim}. */
export function claimJobs(
  db: Session,
  now: Epoch,
  { limit, leaseMs, worker, token }: ClaimOptions & { readonly token: string },
): JobLease[] {
  const endsAt = after(now, leaseMs)
  return db.all<JobRow>(DUE_JOBS, now, limit).map((row) => {
    db.run(LEASE_JOB, endsAt, token, worker, row.id)
    const { id: key, attempts, claims } = row
    return { key, token, attempt: attempts + 1, claims: claims + 1, leaseLeftMs: endsAt - now, job: jobOf(row) }
  })
}

/** {@link Jobs.settle}. */
export function settleJobs(db: Session, now: Epoch, settlements: readonly (LeaseRef & JobOutcome)[]): Applied[] {
  return settlements.map(({ key, token, ...outcome }) => {
    const progress = JSON.stringify(outcome.progress)
    if (outcome.result === 'continue') {
      const dueAt = after(now, outcome.retryInMs)
      return applied(db.run(CONTINUE_JOB, dueAt, outcome.cursor, progress, now, key, token))
    }
    const reason = outcome.result === 'failed' ? encodeText(outcome.reason) : null
    return applied(db.run(END_JOB, outcome.result, reason, progress, now, now, key, token, token))
  })
}

/** {@link Jobs.release}. */
export function releaseJobs(db: Session, now: Epoch, leases: readonly LeaseRef[]): void {
  for (const { key, token } of leases) db.run(RELEASE_JOB, now, key, token)
}

/** {@link Jobs.nextDueInMs}. */
export function nextJobInMs(db: Session, now: Epoch): Ms | null {
  const at = db.get<{ at: Epoch | null }>(NEXT_JOB)?.at ?? null
  return at === null ? null : Math.max(0, at - now)
}

const applied = (changed: number): Applied => (changed > 0 ? 'applied' : 'stale')

function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    tenant: row.tenant,
    kind: row.kind,
    params: JSON.parse(row.params) as Record<string, unknown>,
    state: row.state,
    reason: row.reason === null ? null : decodeText(row.reason),
    cursor: row.cursor,
    progress: JSON.parse(row.progress) as Record<string, number>,
    createdAt: dateOf(row.created_at),
    updatedAt: dateOf(row.updated_at),
    finishedAt: row.finished_at === null ? null : dateOf(row.finished_at),
  }
}
