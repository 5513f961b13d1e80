import type { Endpoint } from '@hooks/core'
import { delivered, failed, keysOf, LEASE, promise, retry, type StorageCase, TENANT } from './world.ts'

const WELL = { failures: 0, exhausted: 0, firstFailureAt: null, lastFailureAt: null, warned: 0, failing: false }

/** What a lane learns of the attempts at its endpoint; pause and probes. */
export const healthCases: readonly StorageCase[] = [
  promise(
    'a lane counts the failures since the last success, and has the times of the first and the latest',
    async ({ endpoint, send, pass, claim, settle, clock, lane, expect, expectTime }) => {
      const to = await endpoint()
      expect(await lane(to.id)).toEqual({
        ...WELL,
        endpointId: to.id,
        heldForMs: 0,
        paused: false,
        probing: false,
        cap: null,
      })
      await send([to], 3)
      const [a, b, c] = await claim()
      const first = clock.now()
      if (a) await settle(a, retry(0))
      await pass(5_000)
      const latest = clock.now()
      if (b) await settle(b, failed())
      const after = await lane(to.id)
      expect(after).toMatchObject({ failures: 2, exhausted: 1 })
      expectTime(after.firstFailureAt, first)
      expectTime(after.lastFailureAt, latest)
      if (c) await settle(c, delivered())
      expect(await lane(to.id)).toMatchObject(WELL)
    },
    'health',
  ),

  promise(
    'settlements of one call count in their order',
    async ({ storage, endpoint, send, claim, lane, expect }) => {
      const to = await endpoint()
      await send([to], 4)
      const leases = await claim()
      const outcomes = [retry(0), delivered(), failed(), retry(0)]
      await storage.settle(leases.map(({ key, token }, i) => ({ key, token, ...(outcomes[i] ?? delivered()) })))
      expect(await lane(to.id)).toMatchObject({ failures: 2, exhausted: 1 })
    },
    'health',
  ),

  promise(
    'an attempt that the sender could not make is logged and counted as one, and feeds nothing',
    async ({ storage, endpoint, send, claim, view, lane, expect }) => {
      const to = await endpoint()
      await send([to], 3)
      const leases = await claim()
      const ours = { status: undefined as never, error: 'request_invalid' }
      const outcomes = [retry(60_000, ours), failed('exhausted', ours), retry(60_000)]
      const settlements = leases.map(({ key, token }, i) => ({ key, token, ...(outcomes[i] ?? delivered()) }))
      await storage.settle(settlements.slice(0, 2))
      expect(await lane(to.id)).toMatchObject(WELL)
      const [first, second] = keysOf(leases) as [string, string]
      expect(await view(first)).toMatchObject({ state: 'retrying', attempts: 1, last: { error: 'request_invalid' } })
      expect(await view(second)).toMatchObject({ state: 'failed', reason: 'exhausted', attempts: 1 })
      await storage.settle(settlements.slice(2))
      expect(await lane(to.id)).toMatchObject({ failures: 1, exhausted: 0 })
    },
    'health',
  ),

  promise(
    'what was lost, stale, made by hand or ended without an attempt feeds nothing, and a success by hand does',
    async ({ storage, endpoint, send, pass, claim, claimOne, settle, lane, expect }) => {
      const to = await endpoint()
      await send([to], 2)
      const [lost] = await claim({ limit: 1 })
      const [skipped] = await claim({ limit: 1 })
      if (skipped) await settle(skipped, { result: 'skipped', reason: 'endpoint_disabled' })
      await pass(LEASE)
      const again = await claimOne()
      if (lost) expect(await settle(lost, retry(0))).toBe('stale')
      expect(await lane(to.id)).toMatchObject(WELL)
      await settle(again, failed())
      expect(await lane(to.id)).toMatchObject({ failures: 1, exhausted: 1 })
      await storage.revive({ tenant: TENANT, endpoint: to.id, states: ['failed'] }, 10)
      await settle(await claimOne(), retry(0, { trigger: 'manual' }))
      expect(await lane(to.id)).toMatchObject({ failures: 1, exhausted: 1 })
      await storage.revive({ tenant: TENANT, delivery: again.key }, 10)
      await settle(await claimOne(), delivered({ trigger: 'manual' }))
      expect(await lane(to.id)).toMatchObject(WELL)
    },
    'health',
  ),

  promise(
    'a lease brings its lane along, as it was when it was claimed',
    async ({ storage, endpoint, send, pass, claimOne, settle, expect }) => {
      const to = await endpoint()
      await send([to])
      const first = await claimOne()
      expect(first.lane).toMatchObject({ endpointId: to.id, failures: 0, probing: false })
      await storage.hold([{ endpointId: to.id, cap: 2, failing: true, probing: true, warned: 1 }])
      await settle(first, retry(1_000))
      await pass(1_000)
      expect((await claimOne()).lane).toMatchObject({ cap: 2, failing: true, probing: true, warned: 1, failures: 1 })
    },
    'health',
  ),

  promise(
    'of several that make the same change, one is told that it was made',
    async ({ storage, endpoint, worker, id, expect }) => {
      const to = await endpoint()
      const change = [{ endpointId: to.id, warned: 1, failing: true }]
      const answers = await Promise.all([worker(0).hold(change), worker(1).hold(change), worker(0).hold(change)])
      expect(answers.flat().filter((one) => one === 'applied').length).toBe(1)
      expect(
        await storage.hold([
          { endpointId: id('ep_'), warned: 1 },
          { endpointId: to.id, warned: 2 },
        ]),
      ).toEqual(['stale', 'applied'])
      expect(await storage.hold([{ endpointId: to.id }])).toEqual(['stale'])
      expect(await storage.lanes([id('ep_'), to.id])).toMatchObject([{ endpointId: to.id, warned: 2, failing: true }])
    },
    'health',
  ),

  promise(
    'while it is probing, an endpoint has one in flight, until a success ends that',
    async ({ storage, endpoint, send, pass, claim, claimOne, settle, lane, expect }) => {
      const to = await endpoint()
      await send([to], 5)
      await storage.hold([{ endpointId: to.id, forMs: 30_000, probing: true, failing: true }])
      expect(await claim()).toEqual([])
      await pass(30_000)
      const probe = await claimOne()
      expect(await claim()).toEqual([])
      // What was in flight when it began does not end it, unless it succeeds.
      await settle(probe, retry(3_600_000))
      expect(await lane(to.id)).toMatchObject({ probing: true, failing: true })
      const second = await claimOne()
      await settle(second, delivered())
      expect(await lane(to.id)).toMatchObject({ probing: false, failing: false })
      expect((await claim()).length).toBe(3)
    },
    'health',
  ),

  promise(
    'a probe that is lost is followed by one other',
    async ({ storage, endpoint, send, pass, claim, claimOne, expect }) => {
      const to = await endpoint()
      await send([to], 5)
      await storage.hold([{ endpointId: to.id, probing: true }])
      await claimOne()
      await pass(LEASE)
      await claimOne()
      expect(await claim()).toEqual([])
    },
    'health',
  ),

  promise(
    'a paused endpoint is left alone until it is resumed, whatever its hold',
    async ({ storage, endpoint, send, pass, claim, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 2)
      expect(await storage.hold([{ endpointId: to.id, paused: true }])).toEqual(['applied'])
      await storage.hold([{ endpointId: to.id, forMs: 1_000 }])
      await storage.hold([{ endpointId: to.id, forMs: null }])
      await send([to])
      await pass(86_400_000)
      expect(await claim()).toEqual([])
      expect(await storage.nextDueInMs()).toBe(null)
      expect((await storage.depth()).heldEndpoints).toBe(1)
      await storage.hold([{ endpointId: to.id, paused: false }])
      expect(keysOf(await claim()).slice(0, 2)).toEqual(ids)
    },
    'health',
  ),

  promise(
    'an endpoint that is enabled again starts afresh, and stays paused',
    async ({ storage, endpoints, send, change, claim, settle, lane, expect }) => {
      const [to, other] = (await endpoints(2)) as [Endpoint, Endpoint]
      await send([to], 1)
      const [lease] = await claim()
      if (lease) await settle(lease, retry(0))
      const all = { cap: 1, failing: true, probing: true, warned: 2, paused: true }
      await storage.hold([{ endpointId: to.id, ...all }])
      await change(TENANT, to.id, { state: 'disabled' })
      expect(await lane(to.id)).toMatchObject({ ...all, failures: 1 })
      await change(TENANT, to.id, { state: 'enabled' })
      expect(await lane(to.id)).toMatchObject({ ...WELL, probing: false, cap: null, paused: true })
      expect(await lane(other.id)).toMatchObject({ ...WELL, paused: false })
    },
    'health',
  ),

  promise(
    'a success ends each sign of illness, though no failure is counted',
    async ({ storage, endpoints, send, claim, settle, lane, expect }) => {
      const signs = [{ failing: true }, { probing: true }, { warned: 1 }]
      const to = await endpoints(signs.length)
      await storage.hold(to.map(({ id }, i) => ({ endpointId: id, ...signs[i] })))
      await send(to)
      for (const lease of await claim()) await settle(lease, delivered())
      for (const { id } of to) expect(await lane(id)).toMatchObject({ failing: false, probing: false, warned: 0 })
    },
    'health',
  ),

  promise(
    'an endpoint that is enabled again waits for no cap and no rate that it had before',
    async ({ storage, endpoint, send, change, claim, expect }) => {
      const [capped, slow] = [await endpoint(), await endpoint({ settings: { perSecond: 0.001 } })]
      await storage.hold([{ endpointId: capped.id, cap: 1 }])
      await send([capped, slow], 2)
      expect((await claim()).length).toBe(2)
      for (const { id } of [capped, slow]) await change(TENANT, id, { state: 'disabled' })
      for (const { id } of [capped, slow]) await change(TENANT, id, { state: 'enabled', settings: {} })
      expect(await storage.nextDueInMs()).toBe(0)
      expect((await claim()).length).toBe(2)
    },
    'health',
    'rate',
  ),
]
