import type { JobLease, JobOutcome, NewJob, Storage } from '@hooks/core'
import { LEASE, promise, type StorageCase, TENANT, type World } from './world.ts'

const newJob = ({ id }: World, over: Partial<NewJob> = {}): NewJob => ({
  id: id('job_'),
  tenant: TENANT,
  kind: 'recover',
  params: { endpoint: 'ep_1', since: '2026-01-01T00:00:00.000Z', types: ['a', 'b'] },
  ...over,
})

const claim = ({ storage }: World, by: Storage = storage): Promise<readonly JobLease[]> =>
  by.jobs.claim({ worker: 'w1', limit: 10, leaseMs: LEASE })

async function settle({ storage }: World, { key, token }: JobLease, outcome: JobOutcome) {
  return (await storage.jobs.settle([{ key, token, ...outcome }]))[0]
}

const goOn = (retryInMs: number, cursor: string | null = 'c1'): JobOutcome => ({
  result: 'continue',
  retryInMs,
  cursor,
  progress: { revived: 10 },
})

/** Jobs: work in steps that are claimed, run and settled. */
export const jobCases: readonly StorageCase[] = [
  promise(
    'a job goes on where its last step ended, until it is done',
    async (world) => {
      const { storage, pass, expect } = world
      const job = newJob(world)
      await storage.jobs.create(job)
      await storage.jobs.create({ ...job, params: {} })
      expect(await storage.jobs.get(TENANT, job.id)).toMatchObject({
        ...job,
        state: 'running',
        cursor: null,
        progress: {},
      })
      const [first] = await claim(world)
      expect(first).toMatchObject({ key: job.id, attempt: 1, claims: 1, job: { ...job, cursor: null } })
      expect(await claim(world)).toEqual([])
      if (first) expect(await settle(world, first, goOn(5_000))).toBe('applied')
      if (first) expect(await settle(world, first, goOn(0, 'again'))).toBe('stale')
      expect(await claim(world)).toEqual([])
      await pass(5_000)
      const [second] = await claim(world)
      expect(second).toMatchObject({ attempt: 2, claims: 1, job: { cursor: 'c1', progress: { revived: 10 } } })
      if (second) expect(await settle(world, second, { result: 'done', progress: { revived: 12 } })).toBe('applied')
      const done = await storage.jobs.get(TENANT, job.id)
      expect(done).toMatchObject({ state: 'done', reason: null, progress: { revived: 12 } })
      expect(done?.finishedAt === null).toBe(false)
      await pass(LEASE)
      expect(await claim(world)).toEqual([])
      expect(await storage.jobs.nextDueInMs()).toBe(null)
    },
    'jobs',
  ),

  promise(
    'a step whose worker died is made again, and its late settlement changes nothing',
    async (world) => {
      const { storage, pass, worker, expect } = world
      const job = newJob(world)
      await storage.jobs.create(job)
      const [lost] = await claim(world, worker(0))
      await pass(LEASE)
      const [again] = await claim(world, worker(1))
      expect(again).toMatchObject({ key: job.id, attempt: 1, claims: 2, job: { cursor: null } })
      if (lost) expect(await settle(world, lost, goOn(0, 'late'))).toBe('stale')
      if (lost) expect(await settle(world, lost, { result: 'done', progress: {} })).toBe('stale')
      if (again) expect(await settle(world, again, { result: 'failed', reason: 'gone', progress: {} })).toBe('applied')
      if (again) expect(await settle(world, again, goOn(0))).toBe('stale')
      expect(await storage.jobs.get(TENANT, job.id)).toMatchObject({ state: 'failed', reason: 'gone' })
    },
    'jobs',
  ),

  promise(
    'a cancelled job is claimed no more, and its step under way is stale',
    async (world) => {
      const { storage, id, expect } = world
      const job = newJob(world)
      await storage.jobs.create(job)
      const [lease] = await claim(world)
      expect(await storage.jobs.cancel('globex', job.id)).toBe('stale')
      expect(await storage.jobs.cancel(TENANT, id('job_'))).toBe('stale')
      expect(await storage.jobs.cancel(TENANT, job.id)).toBe('applied')
      expect(await storage.jobs.cancel(TENANT, job.id)).toBe('stale')
      if (lease) expect(await settle(world, lease, goOn(0))).toBe('stale')
      expect(await claim(world)).toEqual([])
      expect(await storage.jobs.get(TENANT, job.id)).toMatchObject({ state: 'cancelled' })
    },
    'jobs',
  ),

  promise(
    'a step that was not begun is given back',
    async (world) => {
      const { storage, expect } = world
      const job = newJob(world)
      await storage.jobs.create(job)
      const [lease] = await claim(world)
      if (lease) await storage.jobs.release([lease])
      expect(await storage.jobs.nextDueInMs()).toBe(0)
      expect(await claim(world)).toMatchObject([{ key: job.id, claims: 1 }])
    },
    'jobs',
  ),

  promise(
    "jobs are listed newest first, and are their tenant's alone",
    async (world) => {
      const { storage, expect } = world
      const jobs = [newJob(world), newJob(world), newJob(world), newJob(world, { tenant: 'globex' })]
      for (const job of jobs) await storage.jobs.create(job)
      const page = await storage.jobs.list(TENANT, { limit: 2 })
      expect(page.data.map(({ id }) => id)).toEqual([jobs[2]?.id, jobs[1]?.id])
      const rest = await storage.jobs.list(TENANT, { limit: 2, cursor: page.next ?? '' })
      expect(rest.data.map(({ id }) => id)).toEqual([jobs[0]?.id])
      expect(rest.next).toBe(undefined)
      expect(await storage.jobs.get('globex', jobs[0]?.id ?? '')).toBe(null)
    },
    'jobs',
  ),
]
