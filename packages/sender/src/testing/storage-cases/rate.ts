import type { Endpoint } from '@hooks/core'
import { delivered, promise, type StorageCase, TENANT } from './world.ts'

/** Rates: attempts a second, over all workers. */
export const rateCases: readonly StorageCase[] = [
  promise(
    'an endpoint with a rate starts no more than that in any second, over all workers',
    async ({ endpoint, send, worker, claim, pass, expect }) => {
      const to = await endpoint({ settings: { perSecond: 40 } })
      await send([to], 200)
      const started: number[] = []
      const step = 10
      for (let at = 0; at < 4_000; at += step) {
        for (let n = 0; n < 2; n++)
          for (const _ of await claim({ cap: 1_000, leaseMs: 3_600_000 }, worker(n))) started.push(at)
        await pass(step)
      }
      const worst = Math.max(...started.map((from) => started.filter((at) => at >= from && at < from + 1_000).length))
      expect(worst).toBeLessThanOrEqual(40)
      expect(started.length).toBeGreaterThan(150)
      expect(started.length).toBeLessThanOrEqual(160)
    },
    'rate',
    'injected clock',
  ),

  promise(
    'what a rate makes up for after a pause comes out of what it is: no second starts more than the rate says, and what is late on its way has room',
    async ({ endpoint, send, claim, pass, expect }) => {
      const rate = 200
      const to = await endpoint({ settings: { perSecond: rate } })
      await send([to], 3 * rate)
      const started: number[] = []
      const look = async (at: number, thenPass: number) => {
        for (const _ of await claim({ cap: 1_000, leaseMs: 3_600_000 })) started.push(at)
        await pass(thenPass)
      }
      await look(0, 100)
      // Workers that were late, by more than is made up for, and are not any more.
      for (let at = 100; at < 1_300; at += 5) await look(at, 5)
      const worst = Math.max(...started.map((from) => started.filter((at) => at >= from && at < from + 1_000).length))
      expect(worst).toBeLessThanOrEqual(rate)
      expect(started.length).toBeGreaterThan(rate)
    },
    'rate',
    'injected clock',
  ),

  promise(
    'a rate is reached, though nobody looks as often as one is free',
    async ({ endpoint, send, claim, pass, expect }) => {
      await send([await endpoint({ settings: { perSecond: 200 } })], 250)
      let started = 0
      for (let at = 0; at < 1_000; at += 20) {
        started += (await claim({ cap: 1_000, leaseMs: 3_600_000 })).length
        await pass(20)
      }
      expect(started).toBeGreaterThan(190)
    },
    'rate',
    'injected clock',
  ),

  promise(
    'a slow rate is kept over a pause: what was not used long ago is not made up for',
    async ({ storage, endpoint, send, claim, pass, expect }) => {
      const to = await endpoint({ settings: { perSecond: 0.5 } })
      await send([to], 5)
      expect((await claim()).length).toBe(1)
      expect(await storage.nextDueInMs()).toBe(2_000)
      await pass(1_999)
      expect(await claim()).toEqual([])
      await pass(60_000)
      expect((await claim({ leaseMs: 3_600_000 })).length).toBe(1)
      expect(await claim()).toEqual([])
    },
    'rate',
    'injected clock',
  ),

  promise(
    'a settlement or a send makes no lane ready before its rate does',
    async ({ endpoint, send, claim, claimOne, settle, expect }) => {
      const to = await endpoint({ settings: { perSecond: 1 } })
      await send([to], 2)
      const lease = await claimOne()
      await settle(lease, delivered())
      await send([to])
      expect(await claim()).toEqual([])
    },
    'rate',
  ),

  promise(
    'a change of the rate, and its end, count from when they are stored',
    async ({ endpoint, send, change, claim, expect }) => {
      const to = await endpoint({ settings: { perSecond: 0.001 } })
      await send([to], 3)
      expect((await claim()).length).toBe(1)
      expect(await claim()).toEqual([])
      await change(TENANT, to.id, { settings: {} })
      expect((await claim()).length).toBe(2)
    },
    'rate',
  ),

  promise(
    "an endpoint's own concurrency stands before the claim's cap, and the lane's cap before both",
    async ({ storage, endpoint, send, change, claim, expect }) => {
      const to = await endpoint({ settings: { concurrency: 2, other: 'x' } })
      await send([to], 20)
      expect((await claim({ cap: 4 })).length).toBe(2)
      await change(TENANT, to.id, { settings: { concurrency: 5 } })
      expect((await claim({ cap: 4 })).length).toBe(3)
      await storage.hold([{ endpointId: to.id, cap: 6 }])
      expect((await claim({ cap: 4 })).length).toBe(1)
      await storage.hold([{ endpointId: to.id, cap: null }])
      await change(TENANT, to.id, { settings: {} })
      expect((await claim({ cap: 8 })).length).toBe(2)
    },
    'rate',
  ),

  promise(
    "a rate of one endpoint is no other endpoint's",
    async ({ endpoint, send, claim, expect }) => {
      const slow = await endpoint({ settings: { perSecond: 0.01 } })
      const free: Endpoint = await endpoint()
      await send([slow, free], 5)
      expect((await claim()).length).toBe(6)
    },
    'rate',
  ),
]
