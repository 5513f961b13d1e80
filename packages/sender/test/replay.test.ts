import { describe, expect, it } from 'vitest'
import { createSender } from '../src/index.ts'
import { HOUR, scriptedTransport, stage } from './stage.ts'

const code = (wanted: string) => expect.objectContaining({ code: wanted })
const START = new Date('2026-01-01T00:00:00Z')

/** An endpoint where `count` deliveries failed. */
async function failedOnes(count: number) {
  let status = 500
  const staged = await stage(() => status, { policy: { retry: ['0s'], breaker: false, disable: 'never' } })
  const { hooks, clock, requests } = staged
  hooks.start()
  await hooks.sendMany(Array.from({ length: count }, (_, n) => ({ type: 'user.deleted', data: { n }, tenant: 'acme' })))
  await clock.advance(10_000)
  const ids = requests.splice(0).map(({ headers }) => headers['webhook-id'])
  status = 200
  return { ...staged, ids }
}

describe('recovering what failed', () => {
  it('sends it again with the same ids, paced, and tells how far it is', async () => {
    const { hooks, clock, requests, endpoint, ids } = await failedOnes(25)
    const job = await hooks.recover('acme', endpoint.id, { since: START })
    expect(job).toMatchObject({ kind: 'recover', state: 'running', total: { matching: 25, expired: 0 }, sent: 0 })
    await clock.advance(500)
    expect(requests).toHaveLength(10)
    expect(await hooks.jobs.get('acme', job.id)).toMatchObject({ state: 'running', sent: 10 })
    await clock.advance(1_000)
    expect(requests).toHaveLength(20)
    await clock.advance(2_000)
    expect(new Set(requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(ids))
    const done = await hooks.jobs.get('acme', job.id)
    expect(done).toMatchObject({ state: 'done', sent: 25, expired: 0, left: 0 })
    expect(done.finishedAt).not.toBe(null)
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ delivered: 25, failed: 0 })
    expect((await hooks.jobs.list('acme', { total: true })).total).toBe(1)
    await hooks.stop()
  })

  it('sends what was skipped while the endpoint was disabled, once it is enabled', async () => {
    const { hooks, clock, requests, endpoint } = await stage(() => 200)
    hooks.start()
    await hooks.endpoints.disable('acme', endpoint.id)
    await hooks.send('user.deleted', { n: 1 }, { tenant: 'acme' })
    await clock.advance(2_000)
    await expect(hooks.recover('acme', endpoint.id, { since: START })).rejects.toEqual(code('endpoint_disabled'))
    await hooks.endpoints.enable('acme', endpoint.id)
    await clock.advance(2_000)
    expect(requests).toHaveLength(0)
    await hooks.recover('acme', endpoint.id, { since: START })
    await clock.advance(2_000)
    expect(requests).toHaveLength(1)
    await hooks.stop()
  })

  it('is refused in our words where the tenant is expunged at that moment', async () => {
    const { hooks, endpoint, storage } = await failedOnes(1)
    const { create } = storage.jobs
    Object.assign(storage.jobs, {
      create: async (job: Parameters<typeof create>[0]) => {
        await create(job)
        await storage.history.expunge({ tenant: 'acme' }, 100)
      },
    })
    await expect(hooks.recover('acme', endpoint.id, { since: START })).rejects.toEqual(code('job_not_found'))
    await hooks.stop()
  })

  it('counts in a dry run what it would send, and what is no longer kept, and sends nothing', async () => {
    const { hooks, clock, requests, endpoint, storage } = await failedOnes(12)
    await storage.history.prune({ payloadsBefore: clock.now() }, 5)
    const count = await hooks.recover('acme', endpoint.id, { since: START, dryRun: true })
    expect(count).toEqual({ matching: 7, expired: 5 })
    await clock.advance(HOUR)
    expect(requests).toHaveLength(0)
    expect((await hooks.jobs.list('acme')).data).toEqual([])
    const job = await hooks.recover('acme', endpoint.id, { since: START })
    await clock.advance(5_000)
    expect(await hooks.jobs.get('acme', job.id)).toMatchObject({ sent: 7, expired: 5, state: 'done' })
    await hooks.stop()
  })

  it('takes what fits its times, types and states alone', async () => {
    const { hooks, clock, endpoint } = await failedOnes(3)
    const middle = clock.now()
    const count = (options: object) => hooks.recover('acme', endpoint.id, { since: START, dryRun: true, ...options })
    expect(await count({ until: middle })).toMatchObject({ matching: 3 })
    expect(await count({ since: middle })).toMatchObject({ matching: 0 })
    expect(await count({ types: ['booking.created'] })).toMatchObject({ matching: 0 })
    expect(await count({ states: ['skipped'] })).toMatchObject({ matching: 0 })
    await hooks.stop()
  })

  it('can be cancelled: what was sent stays sent, and nothing more is', async () => {
    const { hooks, clock, requests, endpoint } = await failedOnes(50)
    const job = await hooks.recover('acme', endpoint.id, { since: START, perSecond: 5 })
    await clock.advance(1_500)
    expect(await hooks.jobs.cancel('acme', job.id)).toMatchObject({ state: 'cancelled', sent: 10 })
    await clock.advance(HOUR)
    expect(requests).toHaveLength(10)
    await hooks.stop()
  })

  it('goes on in another process where the first one died', async () => {
    const { hooks, clock, requests, endpoint, contract, storage, random, ids } = await failedOnes(30)
    const job = await hooks.recover('acme', endpoint.id, { since: START })
    await clock.advance(500)
    // The first process is gone from here on: it holds the lease of the second step.
    await storage.jobs.claim({ worker: 'dead', limit: 1, leaseMs: 60_000 })
    await hooks.stop()
    const { transport, requests: more } = scriptedTransport(() => 200)
    const second = createSender({ contract, storage, clock, random, transport })
    second.start()
    await clock.advance(2 * 60_000)
    expect(await second.jobs.get('acme', job.id)).toMatchObject({ state: 'done', sent: 30 })
    const received = [...requests, ...more].map(({ headers }) => headers['webhook-id'])
    expect(new Set(received)).toEqual(new Set(ids))
    expect(received).toHaveLength(30)
    await second.stop()
  })

  it('waits while the endpoint is left alone, and ends where it is disabled or gone', async () => {
    const { hooks, clock, requests, endpoint, storage } = await failedOnes(30)
    await storage.hold([{ endpointId: endpoint.id, forMs: 10 * 60_000 }])
    const job = await hooks.recover('acme', endpoint.id, { since: START })
    await clock.advance(9 * 60_000)
    expect(await hooks.jobs.get('acme', job.id)).toMatchObject({ state: 'running', sent: 0 })
    await clock.advance(2 * 60_000)
    expect(requests.length).toBeGreaterThan(10)
    const second = await hooks.recover('acme', endpoint.id, { since: START, states: ['delivered'], perSecond: 1 })
    await hooks.endpoints.disable('acme', endpoint.id)
    await clock.advance(60_000)
    expect(await hooks.jobs.get('acme', second.id)).toMatchObject({ state: 'failed', reason: 'endpoint_disabled' })
    await hooks.stop()
  })

  it('refuses what it cannot do', async () => {
    const { hooks, endpoint, storage } = await stage()
    const since = START
    await expect(hooks.recover('acme', 'ep_none', { since })).rejects.toEqual(code('endpoint_not_found'))
    await expect(hooks.recover('globex', endpoint.id, { since })).rejects.toEqual(code('endpoint_not_found'))
    for (const options of [{ since: new Date(Number.NaN) }, { since, perSecond: 0 }, { since, perSecond: 1.5 }])
      await expect(hooks.recover('acme', endpoint.id, options)).rejects.toEqual(code('option_invalid'))
    await expect(hooks.jobs.get('acme', 'job_none')).rejects.toEqual(code('job_not_found'))
    await expect(hooks.jobs.cancel('acme', 'job_none')).rejects.toEqual(code('job_not_found'))
    Object.assign(storage.facts, { lacks: ['jobs'] })
    await expect(hooks.recover('acme', endpoint.id, { since })).rejects.toEqual(code('storage_lacks'))
  })
})

describe('replaying what an endpoint never got', () => {
  it('sends it the messages that match it as it is now, once, and no others', async () => {
    const { hooks, clock, requests } = await stage(() => 200)
    hooks.start()
    for (let n = 0; n < 30; n++) {
      await hooks.send('user.deleted', { n }, { tenant: 'acme' })
      await hooks.send('booking.created', { id: `b${n}` }, { tenant: 'acme' })
    }
    await clock.advance(60_000)
    requests.length = 0
    const late = await hooks.endpoints.create('acme', { url: 'https://late.example/', events: ['booking.*'] })
    await hooks.send('booking.created', { id: 'new' }, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(await hooks.replayMissing('acme', late.id, { since: START, dryRun: true })).toEqual({
      matching: 30,
      expired: 0,
    })
    const job = await hooks.replayMissing('acme', late.id, { since: START })
    await clock.advance(10_000)
    expect(await hooks.jobs.get('acme', job.id)).toMatchObject({ state: 'done', sent: 30, kind: 'replay_missing' })
    const got = requests.filter(({ url }) => url.host === 'late.example')
    expect(got).toHaveLength(31)
    expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(31)
    expect(await hooks.replayMissing('acme', late.id, { since: START, dryRun: true })).toEqual({
      matching: 0,
      expired: 0,
    })
    await hooks.stop()
  })

  it('takes in what a wider filter lets through, and not what was sent to others by name', async () => {
    const { hooks, clock, requests, endpoint } = await stage(() => 200)
    hooks.start()
    await hooks.endpoints.update('acme', endpoint.id, { events: ['booking.*'] })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await hooks.send('user.deleted', {}, { tenant: 'acme', endpoints: ['ep_other'] })
    await clock.advance(2_000)
    expect(requests).toHaveLength(0)
    await hooks.endpoints.update('acme', endpoint.id, { events: null })
    await hooks.replayMissing('acme', endpoint.id, { since: START })
    await clock.advance(2_000)
    expect(requests).toHaveLength(1)
    await hooks.stop()
  })
})

describe('expunging', () => {
  it('leaves nothing of a message, nor of a tenant', async () => {
    const { hooks, clock, storage } = await stage(() => 200)
    hooks.start()
    const { id } = await hooks.send('user.deleted', { n: 1 }, { tenant: 'acme' })
    const other = await hooks.send('user.deleted', { n: 2 }, { tenant: 'acme' })
    await clock.advance(2_000)
    await hooks.messages.expunge('acme', id)
    await expect(hooks.messages.get('acme', id)).rejects.toEqual(code('message_not_found'))
    await expect(hooks.messages.expunge('acme', id)).rejects.toEqual(code('message_not_found'))
    expect((await hooks.deliveries.list('acme')).data.map(({ messageId }) => messageId)).toEqual([other.id])
    await hooks.expunge('acme')
    expect((await hooks.endpoints.list('acme')).data).toEqual([])
    expect((await hooks.deliveries.list('acme')).data).toEqual([])
    expect(await storage.depth()).toMatchObject({ open: 0, unexpanded: 0 })
    await hooks.stop()
  })
})

describe('a resend under an idempotency key', () => {
  it('is made, once, though the process that was asked dies before it has done it', async () => {
    const { hooks, clock, requests, storage, contract, random, transport } = await failedOnes(1)
    const [delivery] = (await hooks.deliveries.list('acme')).data
    // It writes down what it was asked for, and nothing after that.
    const dying = {
      ...storage,
      revive: (...[of, limit, from, dryRun]: Parameters<typeof storage.revive>) => {
        if (dryRun) return storage.revive(of, limit, from, true)
        throw new Error('died')
      },
    }
    const asked = createSender({ contract, storage: dying, clock, random, transport })
    const resend = (by: typeof hooks) => by.deliveries.resend('acme', delivery?.id ?? '', { idempotencyKey: 'a' })
    await expect(resend(asked as typeof hooks)).rejects.toThrow('died')
    expect(requests).toHaveLength(0)
    await clock.advance(10_000)
    expect(await resend(hooks)).toMatchObject({ state: 'delivered' })
    await clock.advance(10_000)
    expect(requests).toHaveLength(1)
    await hooks.stop()
  })
})
