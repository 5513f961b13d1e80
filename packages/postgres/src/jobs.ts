import type { Applied, ClaimOptions, Job, JobLease, JobOutcome, LeaseRef, Ms, NewJob, Page, Paged } from '@hooks/core'
import type { Database } from './database.ts'
import { countOf, paged } from './page.ts'
import { inRounds } from './rounds.ts'
import { dateOf, type Numeric } from './rows.ts'
import { createParameters } from './selector.ts'
import {
  CANCEL_JOB,
  CLAIM_JOBS,
  FIND_JOB,
  INSERT_JOB,
  JOB_COLUMNS,
  NEXT_JOB,
  RELEASE_JOBS,
  SETTLE_JOBS,
} from './sql/jobs.ts'
import { arrayOf, decodeOptional, encodeOptional, encodeText, plainText } from './text.ts'

interface JobRow {
  readonly id: string
  readonly tenant: string
  readonly kind: string
  readonly params: string
  readonly state: Job['state']
  readonly reason: string | null
  readonly cursor: string | null
  readonly progress: string
  readonly created: Numeric
  readonly updated: Numeric
  readonly finished: Numeric | null
}

/** {@link Jobs.create}. */
export async function createJob(db: Database, { id, tenant, kind, params }: NewJob): Promise<void> {
  const names = [plainText(id, "the job's id"), plainText(tenant, 'the tenant'), plainText(kind, 'the kind')]
  await db.run(INSERT_JOB, [...names, JSON.stringify(params)])
}

/** {@link Jobs.get}. */
export async function findJob(db: Database, tenant: string, id: string): Promise<Job | null> {
  const [row] = await db.run<JobRow>(FIND_JOB, [tenant, id])
  return row ? jobOf(row) : null
}

/** {@link Jobs.list}. */
export function listJobs(db: Database, tenant: string, page: Page): Promise<Paged<Job>> {
  return paged(page, {
    async rows({ cursor, limit, offset }) {
      const parameters = createParameters()
      const where = `j.tenant = ${parameters.add(tenant)}::text`
      const before = cursor === undefined ? '' : `and j.id < ${parameters.add(cursor)}::text`
      const rows = await db.run<JobRow>(
        `select ${JOB_COLUMNS} from hooks.job j where ${where} ${before}
        order by j.id desc limit ${parameters.add(limit)}::text::int offset ${parameters.add(offset)}::text::int`,
        parameters.values,
      )
      return rows.map(jobOf)
    },
    count: () => countOf(db, 'hooks.job j where j.tenant = $1::text', [tenant]),
  })
}

/** {@link Jobs.cancel}. */
export async function cancelJob(db: Database, tenant: string, id: string): Promise<Applied> {
  const [row] = await db.run<{ n: Numeric }>(CANCEL_JOB, [tenant, id])
  return Number(row?.n) > 0 ? 'applied' : 'stale'
}

/** {@link Jobs.claim}. */
export async function claimJobs(
  db: Database,
  { limit, leaseMs, worker, token }: ClaimOptions & { readonly token: string },
): Promise<JobLease[]> {
  const rows = await db.run<JobRow & { attempts: Numeric; claims: Numeric }>(CLAIM_JOBS, [
    String(limit),
    String(leaseMs),
    token,
    worker,
  ])
  return rows.map((row) => ({
    key: row.id,
    token,
    attempt: Number(row.attempts) + 1,
    claims: Number(row.claims),
    leaseLeftMs: leaseMs,
    job: jobOf(row),
  }))
}

/** {@link Jobs.settle}. */
export async function settleJobs(db: Database, settlements: readonly (LeaseRef & JobOutcome)[]): Promise<Applied[]> {
  const applied: Applied[] = settlements.map(() => 'stale')
  const indexed = settlements.map((settlement, index) => ({ settlement, index }))
  for (const round of inRounds(indexed, ({ settlement }) => settlement.key)) {
    const column = <T extends string | number | null>(of: (settlement: LeaseRef & JobOutcome) => T) =>
      arrayOf(round.map(({ settlement }) => of(settlement)))
    const rows = await db.run<{ place: Numeric }>(SETTLE_JOBS, [
      column(({ key }) => key),
      column(({ token }) => token),
      column(({ result }) => result),
      column((one) => (one.result === 'continue' ? String(Math.max(0, one.retryInMs)) : 0)),
      column((one) => (one.result === 'continue' ? encodeOptional(one.cursor) : null)),
      column(({ progress }) => JSON.stringify(progress)),
      column((one) => (one.result === 'failed' ? encodeText(one.reason) : null)),
    ])
    for (const { place } of rows) {
      const index = round[Number(place) - 1]?.index
      if (index !== undefined) applied[index] = 'applied'
    }
  }
  return applied
}

/** {@link Jobs.release}. */
export async function releaseJobs(db: Database, leases: readonly LeaseRef[]): Promise<void> {
  await db.run(RELEASE_JOBS, [arrayOf(leases.map(({ key }) => key)), arrayOf(leases.map(({ token }) => token))])
}

/** {@link Jobs.nextDueInMs}. */
export async function nextJobInMs(db: Database): Promise<Ms | null> {
  const [row] = await db.run<{ ms: Numeric | null }>(NEXT_JOB)
  return row?.ms == null ? null : Number(row.ms)
}

function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    tenant: row.tenant,
    kind: row.kind,
    params: JSON.parse(row.params) as Record<string, unknown>,
    state: row.state,
    reason: decodeOptional(row.reason),
    cursor: decodeOptional(row.cursor),
    progress: JSON.parse(row.progress) as Record<string, number>,
    createdAt: dateOf(row.created),
    updatedAt: dateOf(row.updated),
    finishedAt: row.finished === null ? null : dateOf(row.finished),
  }
}
