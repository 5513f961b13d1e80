import type { Endpoint } from '@hooks/core'
import { delivered, idsOf, promise, retry, type StorageCase, TENANT } from './world.ts'

/** ENDPOINTS: what customers registered. */
export const endpointCases: readonly StorageCase[] = [
  promise('an endpoint comes back as it was stored', async ({ storage, clock, newEndpoint, expect, expectTime }) => {
    const made = newEndpoint({
      filters: ['booking.*', 'user.deleted'],
      channels: ['eu'],
      name: 'Main',
      metadata: { owner: 'ops', __proto__x: '1' },
      secrets: [
        { keyId: 'k2', sealed: 'bmV3', signsUntil: null },
        { keyId: null, sealed: 'b2xk', signsUntil: new Date('2026-02-03T04:05:06.789Z') },
      ],
      settings: { headers: { 'x-a': 'b' }, list: [1, 2.5, null, true], nested: { deep: ['\u2028'] } },
    })
    expect(await storage.endpoints.create(made, 100)).toBe('applied')
    const stored = (await storage.endpoints.get(TENANT, made.id)) as Endpoint
    expect(stored).toEqual({ ...made, rev: stored.rev, createdAt: stored.createdAt, updatedAt: stored.createdAt })
    expectTime(stored.createdAt, clock.now())
  }),

  promise('all events and no events are told apart', async ({ storage, endpoint, expect }) => {
    const all = await endpoint({ filters: null, channels: null })
    const none = await endpoint({ filters: [], channels: [] })
    expect(await storage.endpoints.get(TENANT, all.id)).toMatchObject({ filters: null, channels: null })
    expect(await storage.endpoints.get(TENANT, none.id)).toMatchObject({ filters: [], channels: [] })
  }),

  promise(
    'an endpoint created disabled is disabled, and gets nothing until it is enabled',
    async ({ storage, endpoint, send, change, claim, expect }) => {
      const to = await endpoint({ state: 'disabled', reason: 'not verified' })
      expect(to).toMatchObject({ state: 'disabled', reason: 'not verified' })
      await send([to])
      expect(await claim()).toEqual([])
      await change(TENANT, to.id, { state: 'enabled', reason: null })
      await send([to])
      expect((await claim()).length).toBe(1)
      expect((await storage.depth()).heldEndpoints).toBe(0)
    },
  ),

  promise('no tenant sees or touches the endpoints of another', async ({ storage, endpoint, expect }) => {
    const to = await endpoint()
    const { rev, createdAt: _createdAt, updatedAt: _updatedAt, ...rest } = to
    expect(await storage.endpoints.get('other', to.id)).toBe(null)
    expect(await storage.endpoints.list('other', { limit: 10 })).toMatchObject({ data: [] })
    expect(await storage.endpoints.update({ ...rest, tenant: 'other', url: 'https://evil.example' }, rev)).toBe('stale')
    expect(await storage.endpoints.remove('other', to.id)).toBe('stale')
    expect(await storage.endpoints.get(TENANT, to.id)).toEqual(to)
  }),

  promise('a list goes by id, oldest first, page by page', async ({ storage, endpoints, endpoint, expect }) => {
    const made = await endpoints(6)
    await endpoint({ tenant: 'other' })
    const first = await storage.endpoints.list(TENANT, { limit: 3 })
    expect(first.data).toEqual(made.slice(0, 3))
    expect(first.next === undefined).toBe(false)
    const next = { limit: 3, ...(first.next !== undefined && { cursor: first.next }) }
    const second = await storage.endpoints.list(TENANT, next)
    expect(second.data).toEqual(made.slice(3))
    expect(second.next).toBe(undefined)
    // The endpoint that a cursor names may be gone by the time that it is used.
    await storage.endpoints.remove(TENANT, made[2]?.id as string)
    expect(await storage.endpoints.list(TENANT, next)).toEqual(second)
  }),

  promise('the endpoints of several tenants are read at once', async ({ storage, endpoint, expect }) => {
    const [a, b, c] = [await endpoint(), await endpoint({ tenant: 'two' }), await endpoint({ state: 'disabled' })]
    await endpoint({ tenant: 'three' })
    const found = await storage.endpoints.forTenants([TENANT, 'two', 'nobody'])
    expect(idsOf(found).sort()).toEqual([a.id, b.id, c.id].sort())
    expect(found.find(({ id }) => id === b.id)).toEqual(b)
    expect(await storage.endpoints.forTenants([])).toEqual([])
  }),

  promise('a tenant has no more endpoints than its limit', async ({ storage, newEndpoint, expect }) => {
    const [first, second] = [newEndpoint(), newEndpoint()]
    expect(await storage.endpoints.create(first, 1)).toBe('applied')
    expect(await storage.endpoints.create(second, 1)).toBe('limit')
    expect(await storage.endpoints.get(TENANT, second.id)).toBe(null)
    expect(await storage.endpoints.create(newEndpoint({ tenant: 'other' }), 1)).toBe('applied')
    await storage.endpoints.remove(TENANT, first.id)
    expect(await storage.endpoints.create(second, 1)).toBe('applied')
  }),

  promise(
    'the limit holds however many endpoints are created at once',
    async ({ storage, worker, newEndpoint, expect }) => {
      const made = Array.from({ length: 20 }, () => newEndpoint())
      const results = await Promise.all(made.map((endpoint, i) => worker(i).endpoints.create(endpoint, 5)))
      expect(results.filter((word) => word === 'applied').length).toBe(5)
      expect(results.filter((word) => word === 'limit').length).toBe(15)
      expect((await storage.endpoints.list(TENANT, { limit: 100 })).data.length).toBe(5)
    },
  ),

  promise('a creation that is repeated is applied, and changes nothing', async ({ storage, newEndpoint, expect }) => {
    const made = newEndpoint()
    expect(await storage.endpoints.create(made, 1)).toBe('applied')
    const stored = await storage.endpoints.get(TENANT, made.id)
    expect(await storage.endpoints.create({ ...made, url: 'https://example.com/other' }, 1)).toBe('applied')
    expect(await storage.endpoints.get(TENANT, made.id)).toEqual(stored)
    expect((await storage.endpoints.list(TENANT, { limit: 10 })).data.length).toBe(1)
  }),

  promise(
    'an update replaces the endpoint and raises its rev',
    async ({ storage, endpoint, newEndpoint, pass, expect, expectTime, clock }) => {
      const before = await endpoint({ metadata: { a: '1' }, filters: ['a'] })
      await pass(1_000)
      const next = newEndpoint({
        id: before.id,
        url: 'https://example.com/new',
        filters: ['booking.*'],
        channels: ['us'],
        state: 'disabled',
        reason: 'manual',
        name: 'New',
        metadata: { b: '2' },
        secrets: [],
        settings: { x: 1 },
      })
      expect(await storage.endpoints.update(next, before.rev)).toBe('applied')
      const after = (await storage.endpoints.get(TENANT, before.id)) as Endpoint
      expect(after).toEqual({ ...next, rev: after.rev, createdAt: before.createdAt, updatedAt: after.updatedAt })
      expect(after.rev).toBeGreaterThan(before.rev)
      expectTime(after.updatedAt, clock.now())
    },
  ),

  promise(
    'an update of what has changed meanwhile is stale, and changes nothing',
    async ({ storage, worker, endpoint, change, expect }) => {
      const { rev, createdAt: _createdAt, updatedAt: _updatedAt, ...rest } = await endpoint()
      const updates = Array.from({ length: 5 }, (_, i) =>
        worker(i).endpoints.update({ ...rest, url: `https://example.com/${i}` }, rev),
      )
      expect((await Promise.all(updates)).filter((word) => word === 'applied').length).toBe(1)
      const after = await storage.endpoints.get(TENANT, rest.id)
      expect(await storage.endpoints.update({ ...rest, url: 'https://example.com/late' }, rev)).toBe('stale')
      expect(await storage.endpoints.get(TENANT, rest.id)).toEqual(after)
      expect(await change(TENANT, rest.id, { name: 'on time' })).toBe('applied')
      await storage.endpoints.remove(TENANT, rest.id)
      expect(await storage.endpoints.update(rest, (after?.rev ?? 0) + 1)).toBe('stale')
    },
  ),

  promise(
    'a removal ends what is open as cancelled, in flight or not, and keeps the history',
    async ({ storage, endpoints, send, claimOne, settle, view, attempts, claim, expect }) => {
      const [gone, stays] = (await endpoints(2)) as [Endpoint, Endpoint]
      const [done, waiting, sending, pending] = (await send([gone], 4)) as [string, string, string, string]
      await settle(await claimOne({ limit: 1 }), delivered())
      await settle(await claimOne({ limit: 1 }), retry(3_600_000))
      const lease = await claimOne({ limit: 1 })
      const [other] = await send([stays])
      expect(await storage.endpoints.remove(TENANT, gone.id)).toBe('applied')
      expect(await storage.endpoints.get(TENANT, gone.id)).toBe(null)
      for (const id of [waiting, sending, pending])
        expect(await view(id)).toMatchObject({ state: 'cancelled', reason: 'endpoint_deleted', nextAttemptAt: null })
      expect(await view(done)).toMatchObject({ state: 'delivered', endpointId: gone.id })
      expect((await attempts(waiting)).length).toBe(1)
      expect(await settle(lease, retry(0))).toBe('stale')
      expect(await settle(lease, delivered())).toBe('stale')
      expect((await claim()).map(({ key }) => key)).toEqual([other])
      expect(await storage.depth()).toMatchObject({ open: 1, heldEndpoints: 0 })
    },
  ),

  promise('a removal that is repeated is stale', async ({ storage, endpoint, id, expect }) => {
    const to = await endpoint()
    expect(await storage.endpoints.remove(TENANT, to.id)).toBe('applied')
    expect(await storage.endpoints.remove(TENANT, to.id)).toBe('stale')
    expect(await storage.endpoints.remove(TENANT, id('ep_'))).toBe('stale')
  }),
]
