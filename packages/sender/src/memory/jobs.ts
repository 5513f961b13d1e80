import type { Applied, ClaimOptions, Job, JobLease, JobOutcome, Jobs, LeaseRef, Ms, NewJob } from '@hooks/core'
import type { StoredJob } from './records.ts'
import { descending, pageOf } from './sorted.ts'
import type { State } from './state.ts'

/** The jobs of a memory storage. */
export function memoryJobs(state: State): Jobs {
  const { jobs } = state
  let tokens = 0

  function create(given: NewJob, now: Ms): void {
    if (jobs.has(given.id)) return
    const at = new Date(now)
    const job: Job = {
      ...structuredClone(given),
      state: 'running',
      reason: null,
      cursor: null,
      progress: {},
      createdAt: at,
      updatedAt: at,
      finishedAt: null,
    }
    jobs.set(given.id, { job, token: null, dueAt: now, attempts: 0, claims: 0 })
  }

  const running = () => [...jobs.values()].filter(({ job }) => job.state === 'running')

  function claim({ limit, leaseMs }: ClaimOptions, now: Ms): JobLease[] {
    const due = running().filter(({ dueAt }) => dueAt <= now)
    due.sort((a, b) => a.dueAt - b.dueAt || (a.job.id < b.job.id ? -1 : 1))
    return due.slice(0, limit).map((stored) => {
      const token = `job ${++tokens}`
      Object.assign(stored, { token, dueAt: now + leaseMs, claims: stored.claims + 1 })
      const { job, attempts, claims } = stored
      return { key: job.id, token, attempt: attempts + 1, claims, leaseLeftMs: leaseMs, job }
    })
  }

  function held({ key, token }: LeaseRef): StoredJob | undefined {
    const stored = jobs.get(key)
    return stored?.job.state === 'running' && stored.token === token ? stored : undefined
  }

  function settle(settlement: LeaseRef & JobOutcome, now: Ms): Applied {
    const stored = held(settlement)
    if (stored === undefined) return 'stale'
    const progress = { ...settlement.progress }
    const job = { ...stored.job, progress, updatedAt: new Date(now) }
    Object.assign(stored, { token: null, attempts: stored.attempts + 1, claims: 0 })
    if (settlement.result === 'continue') {
      stored.job = { ...job, cursor: settlement.cursor }
      stored.dueAt = now + settlement.retryInMs
    } else end(stored, job, settlement.result, settlement.result === 'failed' ? settlement.reason : null, now)
    return 'applied'
  }

  function end(stored: StoredJob, job: Job, to: Job['state'], reason: string | null, now: Ms): void {
    const at = new Date(now)
    stored.job = { ...job, state: to, reason, updatedAt: at, finishedAt: at }
  }

  const owned = (tenant: string, id: string) => {
    const stored = jobs.get(id)
    return stored?.job.tenant === tenant ? stored : undefined
  }

  return {
    create: (job) => state.run((now) => create(job, now)),
    get: (tenant, id) => state.run(() => owned(tenant, id)?.job ?? null),
    list: (tenant, page) =>
      state.run(() => {
        const all = [...jobs.values()].map(({ job }) => job).filter((job) => job.tenant === tenant)
        all.sort((a, b) => (a.id < b.id ? -1 : 1))
        return pageOf(
          (cursor) => descending(all, cursor),
          page,
          (job) => job,
        )
      }),
    cancel: (tenant, id) =>
      state.run((now) => {
        const stored = owned(tenant, id)
        if (stored?.job.state !== 'running') return 'stale'
        end(stored, stored.job, 'cancelled', null, now)
        return 'applied'
      }),
    claim: (options) => state.run((now) => claim(options, now)),
    settle: (settlements) => state.run((now) => settlements.map((settlement) => settle(settlement, now))),
    release: (leases) =>
      state.run((now) => {
        for (const lease of leases) {
          const stored = held(lease)
          if (stored) Object.assign(stored, { token: null, dueAt: now, claims: stored.claims - 1 })
        }
      }),
    nextDueInMs: () =>
      state.run((now) => {
        const next = Math.min(...running().map(({ dueAt }) => dueAt))
        return next === Number.POSITIVE_INFINITY ? null : Math.max(0, next - now)
      }),
  }
}
