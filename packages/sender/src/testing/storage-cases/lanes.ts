import type { Endpoint } from '@hooks/core'
import { keysOf, LEASE, promise, retry, type StorageCase, TENANT } from './world.ts'

/** Lanes: holds, caps, failing, and what enabling and disabling does to them. */
export const laneCases: readonly StorageCase[] = [
  promise(
    'a held endpoint is left alone until its hold ends',
    async ({ storage, endpoints, send, pass, claim, expect, expectTime }) => {
      const [held, free] = (await endpoints(2)) as [Endpoint, Endpoint]
      const [a, b] = await send([held, free])
      await storage.hold([{ endpointId: held.id, forMs: 30_000 }])
      expect(keysOf(await claim({ leaseMs: 600_000 }))).toEqual([b])
      expectTime(await storage.nextDueInMs(), 30_000)
      await pass(20_000)
      expect(await claim()).toEqual([])
      await pass(10_000)
      expect(await storage.nextDueInMs()).toBe(0)
      expect(keysOf(await claim())).toEqual([a])
    },
  ),

  promise('what is sent to a held endpoint is born held', async ({ storage, endpoint, send, pass, claim, expect }) => {
    const to = await endpoint()
    await storage.hold([{ endpointId: to.id, forMs: 30_000 }])
    const ids = await send([to], 2)
    expect(await claim()).toEqual([])
    await pass(30_000)
    expect(keysOf(await claim())).toEqual(ids)
  }),

  promise(
    'no settlement, release or resend makes a held endpoint ready',
    async ({ storage, endpoint, send, claim, settle, expect }) => {
      const to = await endpoint()
      await send([to], 4)
      const leases = await claim({ limit: 2 })
      await storage.hold([{ endpointId: to.id, forMs: Number.POSITIVE_INFINITY }])
      const [a, b] = leases
      if (a) await settle(a, retry(0))
      if (b) await storage.release([b])
      await storage.revive({ tenant: TENANT, endpoint: to.id }, 100)
      expect(await claim()).toEqual([])
      expect(await storage.nextDueInMs()).toBe(null)
    },
  ),

  promise('a hold never shortens a longer one', async ({ storage, endpoint, send, pass, claim, claimOne, expect }) => {
    const to = await endpoint()
    const [id] = await send([to])
    await storage.hold([{ endpointId: to.id, forMs: 60_000 }])
    await storage.hold([{ endpointId: to.id, forMs: 10_000 }])
    await pass(50_000)
    expect(await claim()).toEqual([])
    await storage.hold([{ endpointId: to.id, forMs: 30_000 }])
    await pass(20_000)
    expect(await claim()).toEqual([])
    await pass(10_000)
    expect((await claimOne()).key).toBe(id)
  }),

  promise(
    'a hold without an end lasts until it is lifted',
    async ({ storage, endpoint, send, pass, claim, claimOne, expect }) => {
      const to = await endpoint()
      const [id] = await send([to])
      await storage.hold([{ endpointId: to.id, forMs: Number.POSITIVE_INFINITY }])
      await storage.hold([{ endpointId: to.id, forMs: 1_000 }])
      await pass(30 * 86_400_000)
      expect(await claim()).toEqual([])
      expect(await storage.nextDueInMs()).toBe(null)
      await storage.hold([{ endpointId: to.id, forMs: null }])
      expect(await storage.nextDueInMs()).toBe(0)
      expect((await claimOne()).key).toBe(id)
    },
  ),

  promise("an endpoint's own cap stands before the default", async ({ storage, endpoint, send, claim, expect }) => {
    const to = await endpoint()
    await send([to], 20)
    await storage.hold([{ endpointId: to.id, cap: 1 }])
    expect((await claim({ cap: 4 })).length).toBe(1)
    await storage.hold([{ endpointId: to.id, cap: 6 }])
    expect((await claim({ cap: 4 })).length).toBe(5)
    await storage.hold([{ endpointId: to.id, cap: null }])
    expect(await claim({ cap: 4 })).toEqual([])
  }),

  promise(
    'a claim can be for failing endpoints alone, or for the others alone',
    async ({ storage, endpoints, send, claim, expect }) => {
      const [well, failing] = (await endpoints(2)) as [Endpoint, Endpoint]
      await storage.hold([{ endpointId: failing.id, failing: true }])
      const [a, b, c, d] = await send([well, failing], 2)
      expect(keysOf(await claim({ failing: true, limit: 1 }))).toEqual([b])
      expect(keysOf(await claim({ failing: false }))).toEqual([a, c])
      expect(await claim({ failing: false })).toEqual([])
      await storage.hold([{ endpointId: failing.id, failing: false }])
      expect(await claim({ failing: true })).toEqual([])
      expect(keysOf(await claim())).toEqual([d])
    },
  ),

  promise('what a change leaves out stays as it is', async ({ storage, endpoint, send, pass, claim, expect }) => {
    const to = await endpoint()
    await send([to], 5)
    await storage.hold([{ endpointId: to.id, forMs: 30_000, cap: 2, failing: true }])
    await storage.hold([{ endpointId: to.id }])
    await storage.hold([{ endpointId: to.id, failing: true }])
    expect(await claim()).toEqual([])
    await pass(30_000)
    expect(await claim({ failing: false })).toEqual([])
    expect((await claim({ failing: true })).length).toBe(2)
    await storage.hold([{ endpointId: to.id, cap: 3 }])
    expect((await claim({ failing: true })).length).toBe(1)
  }),

  promise(
    'a hold of an endpoint that is not there does nothing',
    async ({ storage, id, endpoint, send, claim, expect }) => {
      const to = await endpoint()
      const ids = await send([to])
      await storage.hold([
        { endpointId: id('ep_'), forMs: 30_000, cap: 1 },
        { endpointId: to.id, cap: 1 },
      ])
      await storage.hold([])
      expect(keysOf(await claim())).toEqual(ids)
    },
  ),

  promise(
    'what is open when its endpoint is disabled is still claimed, and its lease says so',
    async ({ endpoint, send, change, pass, claim, claimOne, settle, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 2)
      const [first] = await claim({ limit: 1 })
      if (first) await settle(first, retry(60_000))
      expect(await change(TENANT, to.id, { state: 'disabled', reason: 'manual' })).toBe('applied')
      const waiting = await claimOne()
      expect(waiting).toMatchObject({ key: ids[1], endpoint: { state: 'disabled' } })
      await settle(waiting, { result: 'skipped', reason: 'endpoint_disabled' })
      await pass(60_000)
      expect(await claimOne()).toMatchObject({ key: ids[0], endpoint: { state: 'disabled' } })
    },
  ),

  promise(
    'an endpoint that is enabled again is not held for what was before',
    async ({ storage, endpoint, send, change, claim, claimOne, expect }) => {
      const to = await endpoint()
      const [id] = await send([to])
      await storage.hold([{ endpointId: to.id, forMs: Number.POSITIVE_INFINITY }])
      await change(TENANT, to.id, { state: 'disabled' })
      expect(await claim()).toEqual([])
      await change(TENANT, to.id, { state: 'enabled', reason: null })
      expect((await claimOne()).key).toBe(id)
    },
  ),

  promise(
    'a change that leaves the state alone leaves a hold alone',
    async ({ storage, endpoint, send, change, pass, claim, claimOne, expect }) => {
      const to = await endpoint()
      const [id] = await send([to])
      await storage.hold([{ endpointId: to.id, forMs: 30_000 }])
      await change(TENANT, to.id, { url: 'https://example.com/new' })
      expect(await claim()).toEqual([])
      await pass(30_000)
      expect(await claimOne()).toMatchObject({ key: id, endpoint: { url: 'https://example.com/new' } })
    },
  ),

  promise(
    'the depth tells how long a message waits that nobody matches, and nothing of one for later',
    async ({ storage, endpoints, put, pass, expect, expectTime }) => {
      await endpoints(1)
      await put(1, { dueInMs: 60_000 })
      expect(await storage.depth()).toMatchObject({ unexpanded: 1, due: 0, oldestDueMs: null })
      await put(1)
      await pass(5_000)
      const depth = await storage.depth()
      expect({ ...depth, oldestDueMs: 0 }).toMatchObject({ unexpanded: 2, due: 0, oldestDueMs: 0 })
      expectTime(depth.oldestDueMs, 5_000)
    },
  ),

  promise(
    'the depth tells what waits, and for how long',
    async ({ storage, endpoints, clock, send, put, change, pass, claim, settle, expect, expectTime }) => {
      const { at: _at, ...nothing } = await storage.depth()
      expect(nothing).toEqual({ unexpanded: 0, due: 0, open: 0, oldestDueMs: null, heldEndpoints: 0 })
      const [a, b, c] = (await endpoints(3)) as [Endpoint, Endpoint, Endpoint]
      await send([a], 3)
      const leases = await claim({ limit: 2 })
      if (leases[0]) await settle(leases[0], retry(3_600_000))
      await pass(5_000)
      await send([b, c], 2)
      await put(2)
      await put(1, { dueInMs: 1_000 })
      await storage.hold([{ endpointId: b.id, forMs: LEASE }])
      await change(TENANT, c.id, { state: 'disabled' })
      const { at, ...depth } = await storage.depth()
      expectTime(at, clock.now())
      expect({ ...depth, oldestDueMs: 0 }).toEqual({ unexpanded: 3, due: 5, open: 7, oldestDueMs: 0, heldEndpoints: 1 })
      expectTime(depth.oldestDueMs, 5_000)
    },
  ),
]
