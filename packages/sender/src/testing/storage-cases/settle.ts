import type { Applied, DeliveryLease } from '@hooks/core'
import { delivered, failed, promise, retry, type StorageCase } from './world.ts'

/** SETTLE: what is recorded of claimed work. */
export const settleCases: readonly StorageCase[] = [
  promise(
    'a success ends the delivery',
    async ({ storage, clock, endpoint, send, claim, claimOne, settle, view, expect, expectTime }) => {
      const [id] = (await send([await endpoint()])) as [string]
      expect(await view(id)).toMatchObject({ state: 'pending' })
      const lease = await claimOne()
      expect(await view(id)).toMatchObject({ state: 'sending', nextAttemptAt: null })
      expect(await settle(lease, delivered())).toBe('applied')
      const ended = await view(id)
      expect(ended).toMatchObject({ state: 'delivered', reason: null, attempts: 1, nextAttemptAt: null })
      expectTime(ended.finishedAt, clock.now())
      expect(await claim()).toEqual([])
      expect(await storage.nextDueInMs()).toBe(null)
      expect((await storage.depth()).open).toBe(0)
    },
  ),

  promise(
    'a failure ends the delivery with its reason',
    async ({ clock, endpoint, send, claimOne, settle, view, expect, expectTime }) => {
      const [id] = (await send([await endpoint()])) as [string]
      expect(await settle(await claimOne(), failed('gone'))).toBe('applied')
      const ended = await view(id)
      expect(ended).toMatchObject({ state: 'failed', reason: 'gone', attempts: 1, last: { n: 1, status: 500 } })
      expectTime(ended.finishedAt, clock.now())
    },
  ),

  promise(
    'what ends without an attempt has none counted',
    async ({ endpoints, send, claim, settle, view, attempts, expect }) => {
      const ids = await send(await endpoints(3))
      const leases = (await claim()) as readonly [DeliveryLease, DeliveryLease, DeliveryLease]
      for (const [i, result] of (['skipped', 'cancelled', 'failed'] as const).entries()) {
        const lease = leases.find(({ key }) => key === ids[i]) as DeliveryLease
        expect(await settle(lease, { result, reason: `because_${i}` })).toBe('applied')
        expect(await view(lease.key)).toMatchObject({ state: result, reason: `because_${i}`, attempts: 0, last: null })
        expect(await attempts(lease.key)).toEqual([])
      }
    },
  ),

  promise(
    'a retry waits for its time, counted from the settlement',
    async ({ storage, clock, endpoint, send, pass, claim, claimOne, settle, view, expect, expectTime }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const lease = await claimOne()
      await pass(20_000)
      expect(await settle(lease, retry(10_000))).toBe('applied')
      const waiting = await view(id)
      expect(waiting).toMatchObject({ state: 'retrying', reason: null, attempts: 1, finishedAt: null })
      if (storage.facts.clock === 'injected') expectTime(waiting.nextAttemptAt, clock.now().getTime() + 10_000)
      expectTime(await storage.nextDueInMs(), 10_000)
      expect(await claim()).toEqual([])
      await pass(10_000)
      expect(await claimOne()).toMatchObject({ key: id, attempt: 2, step: 1, claims: 1 })
    },
  ),

  promise(
    'a retry that waits for longer than the lease does not come back early',
    async ({ storage, endpoint, sendAndRetry, pass, claim, claimOne, expect }) => {
      const id = await sendAndRetry(await endpoint(), 5 * 3_600_000)
      for (let i = 0; i < 5; i++) {
        expect(await claim()).toEqual([])
        const due = (await storage.nextDueInMs()) ?? Number.NaN
        expect(due).toBeGreaterThan(0)
        expect(due).toBeLessThanOrEqual((5 - i) * 3_600_000)
        await pass(3_600_000)
      }
      expect((await claimOne()).key).toBe(id)
    },
  ),

  promise(
    'attempts are numbered without a gap, and steps with them',
    async ({ endpoint, send, pass, claimOne, settle, view, attempts, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      for (let n = 1; n <= 6; n++) {
        const lease = await claimOne()
        expect(lease).toMatchObject({ attempt: n, step: n - 1, claims: 1 })
        await settle(lease, n < 6 ? retry(1_000, { ms: n }) : delivered({ ms: n }))
        await pass(1_000)
      }
      const log = await attempts(id)
      expect(log.map(({ n, ms }) => [n, ms])).toEqual([
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
        [5, 5],
        [6, 6],
      ])
      expect(log.map(({ at }) => at.getTime())).toEqual(log.map(({ at }) => at.getTime()).sort((a, b) => a - b))
      expect(await view(id)).toMatchObject({ attempts: 6, last: log[5] as object })
    },
  ),

  promise(
    'all of a report is logged, and when the attempt began',
    async ({ clock, endpoint, send, claimOne, settle, attempts, view, expect, expectTime }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const full = {
        ms: 1_500,
        status: 429,
        detail: 'It said \u201cno\u201d.',
        response: '{"a":\u2028 "\ud83d\ude80"}',
        responseHeaders: { 'content-type': 'text/plain', etag: 'W/"\\a\u00e9"' },
        trigger: 'manual',
      } as const
      const bare = { ms: 0, error: 'connect_timeout', trigger: 'schedule' } as const
      await settle(await claimOne(), { result: 'retry', retryInMs: 0, attempt: full })
      await settle(await claimOne(), { result: 'failed', reason: 'exhausted', attempt: bare })
      const [first, second] = await attempts(id)
      expect(first).toEqual({ ...full, n: 1, at: first?.at })
      expect(second).toEqual({ ...bare, n: 2, at: second?.at })
      expectTime(first?.at, clock.now().getTime() - 1_500)
      expect((await view(id)).last).toEqual(second)
    },
  ),

  promise(
    'settling twice changes nothing the second time',
    async ({ endpoint, send, claim, claimOne, settle, view, attempts, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const first = await claimOne()
      expect(await settle(first, retry(0))).toBe('applied')
      expect(await settle(first, retry(0))).toBe('stale')
      const second = await claimOne()
      expect(await settle(second, delivered())).toBe('applied')
      expect(await settle(second, delivered())).toBe('stale')
      expect(await view(id)).toMatchObject({ state: 'delivered', attempts: 2 })
      expect((await attempts(id)).length).toBe(2)
      expect(await claim()).toEqual([])
    },
  ),

  promise(
    'a batch answers for each settlement in its order, the stale ones included',
    async ({ storage, endpoint, send, claim, settle, view, expect }) => {
      const ids = await send([await endpoint()], 4)
      const [a, b, c, d] = (await claim()) as [DeliveryLease, DeliveryLease, DeliveryLease, DeliveryLease]
      await settle(b, delivered())
      const ref = ({ key, token }: DeliveryLease) => ({ key, token })
      const applied: readonly Applied[] = await storage.settle([
        { ...ref(d), ...delivered() },
        { ...ref(b), ...delivered() },
        { ...ref(a), ...retry(60_000) },
        { key: 'dlv_unknown', token: '1', ...delivered() },
        { ...ref(c), ...failed() },
        { ...ref(c), ...delivered() },
      ])
      expect(applied).toEqual(['applied', 'stale', 'applied', 'stale', 'applied', 'stale'])
      const states: string[] = []
      for (const id of ids) states.push((await view(id)).state)
      expect(states).toEqual(['retrying', 'delivered', 'failed', 'delivered'])
      expect(await storage.settle([])).toEqual([])
    },
  ),

  promise(
    'of many workers that settle one delivery at once, one is applied',
    async ({ worker, endpoint, send, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const lease = await claimOne()
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, n) => settle(lease, n % 2 ? retry(60_000) : failed(), worker(n))),
      )
      expect(outcomes.filter((word) => word === 'applied').length).toBe(1)
      expect(await view(id)).toMatchObject({ attempts: 1 })
    },
  ),

  promise('an end is an end', async ({ storage, endpoint, send, pass, claim, settle, view, expect }) => {
    const ids = await send([await endpoint()], 3)
    const leases = (await claim()) as [DeliveryLease, DeliveryLease, DeliveryLease]
    await settle(leases[0], delivered())
    await settle(leases[1], failed())
    await settle(leases[2], { result: 'cancelled', reason: 'by_hand' })
    const ended: unknown[] = []
    for (const id of ids) ended.push(await view(id))
    for (const lease of leases) {
      expect(await settle(lease, retry(0))).toBe('stale')
      expect(await settle(lease, failed('other'))).toBe('stale')
      expect(await settle(lease, delivered())).toBe('stale')
    }
    await storage.release(leases)
    await pass(86_400_000)
    expect(await claim()).toEqual([])
    for (const [i, id] of ids.entries()) expect(await view(id)).toEqual(ended[i])
  }),

  promise(
    'a delivery keeps its bytes over all its attempts, and follows its endpoint',
    async ({ endpoint, send, change, claimOne, settle, expect }) => {
      const to = await endpoint({ url: 'https://example.com/old' })
      await send([to], 1, { data: '{"b":1,"a":2}' })
      const first = await claimOne()
      await settle(first, retry(0))
      await change(to.tenant, to.id, { url: 'https://example.com/new', metadata: { a: 'b' } })
      const second = await claimOne()
      expect(second.delivery.message).toEqual(first.delivery.message)
      expect(second.delivery.delivery).toEqual(first.delivery.delivery)
      expect(second.endpoint).toMatchObject({ url: 'https://example.com/new', metadata: { a: 'b' } })
    },
  ),
]
