import type { DeliveryLease, Endpoint } from '@hooks/core'
import { delivered, keysOf, LEASE, perEndpoint, promise, retry, type StorageCase } from './world.ts'

/** CLAIM: what is due, in which order, how much of it, and to whom. */
export const claimCases: readonly StorageCase[] = [
  promise(
    'a claim carries the message, the endpoint and the counters',
    async ({ endpoint, send, pass, claimOne, expect, expectTime }) => {
      const to = await endpoint({ name: 'main', settings: { timeoutMs: 5_000 } })
      const [id] = (await send([to], 1, { data: '{"n":7}' })) as [string]
      await pass(2_000)
      const lease = await claimOne()
      expect(lease).toMatchObject({ key: id, attempt: 1, claims: 1, step: 0, trigger: 'schedule' })
      expect(lease.endpoint).toEqual(to)
      expect(lease.delivery).toEqual({
        message: {
          id: lease.delivery.message.id,
          type: 'booking.created',
          tenant: to.tenant,
          occurredAt: new Date('2025-12-31T23:59:59.123Z'),
          data: '{"n":7}',
        },
        endpoint: { id: to.id, url: to.url },
        delivery: { id },
      })
      expect(typeof lease.token === 'string' && lease.token.length > 0).toBe(true)
      expectTime(lease.ageMs, 2_000)
      expectTime(lease.leaseLeftMs, LEASE)
    },
  ),

  promise('a claim of nothing is empty', async ({ storage, endpoint, claim, expect }) => {
    expect(await claim()).toEqual([])
    await endpoint()
    expect(await claim()).toEqual([])
    expect(await storage.nextDueInMs()).toBe(null)
  }),

  promise(
    'only what is due is claimed',
    async ({ storage, endpoint, sendAndRetry, pass, claim, claimOne, expect, expectTime }) => {
      const id = await sendAndRetry(await endpoint(), 30_000)
      expect(await claim()).toEqual([])
      expectTime(await storage.nextDueInMs(), 30_000)
      await pass(20_000)
      expect(await claim()).toEqual([])
      expectTime(await storage.nextDueInMs(), 10_000)
      await pass(10_000)
      expect(await storage.nextDueInMs()).toBe(0)
      expect((await claimOne()).key).toBe(id)
    },
  ),

  promise(
    'what waits for later stays, though its endpoint has work that is due',
    async ({ endpoint, send, sendAndRetry, pass, claim, expect }) => {
      const to = await endpoint()
      const waiting = await sendAndRetry(to, 30_000)
      const due = await send([to], 2)
      expect(keysOf(await claim())).toEqual(due)
      await pass(30_000)
      expect(keysOf(await claim())).toEqual([waiting])
    },
  ),

  promise('of one endpoint the oldest due comes first', async ({ endpoint, send, storage, claim, pass, expect }) => {
    const to = await endpoint()
    const [a, b, c] = await send([to], 3)
    const waits = new Map([
      [a, 30_000],
      [b, 10_000],
      [c, 20_000],
    ])
    await storage.settle((await claim()).map(({ key, token }) => ({ key, token, ...retry(waits.get(key) ?? 0) })))
    await pass(40_000)
    const [d] = await send([to])
    expect(keysOf(await claim({ limit: 2 }))).toEqual([b, c])
    expect(keysOf(await claim())).toEqual([a, d])
  }),

  promise('what is due at the same time comes by id', async ({ storage, endpoint, put, id, claim, expect }) => {
    const to = await endpoint()
    const messages = await put(5)
    const ids = messages.map(() => id('dlv_'))
    const mixed = [3, 0, 4, 1, 2].map((n) => ids[n] as string)
    await storage.expand(
      messages.map((message, i) => ({
        messageId: message.id,
        deliveries: [{ id: mixed[i] as string, endpointId: to.id }],
      })),
    )
    expect(keysOf(await claim())).toEqual(ids)
  }),

  promise('a claim takes no more than its limit', async ({ endpoints, send, claim, expect }) => {
    await send(await endpoints(3), 5)
    expect((await claim({ limit: 7 })).length).toBe(7)
    expect((await claim({ limit: 7 })).length).toBe(7)
    expect((await claim({ limit: 7 })).length).toBe(1)
  }),

  promise(
    'no endpoint has more in flight than the cap',
    async ({ storage, endpoints, send, claim, settle, expect, expectTime }) => {
      const [a, b] = (await endpoints(2)) as [Endpoint, Endpoint]
      await send([a], 10)
      await send([b], 2)
      const first = await claim({ cap: 4 })
      expect(perEndpoint(first)).toEqual(
        new Map([
          [a.id, 4],
          [b.id, 2],
        ]),
      )
      expect(await claim({ cap: 4 })).toEqual([])
      expectTime(await storage.nextDueInMs(), LEASE)
      // Each that ends makes room for one.
      await settle(first[0] as DeliveryLease, delivered())
      expect(await storage.nextDueInMs()).toBe(0)
      expect((await claim({ cap: 4 })).length).toBe(1)
      await settle(first[1] as DeliveryLease, retry(3_600_000))
      expect((await claim({ cap: 4 })).length).toBe(1)
      expect(await claim({ cap: 4 })).toEqual([])
    },
  ),

  promise('a cap holds over all workers', async ({ worker, endpoints, send, claim, expect }) => {
    const to = await endpoints(3)
    await send(to, 20)
    const claims = await Promise.all(Array.from({ length: 8 }, (_, n) => claim({ worker: `w${n}`, cap: 4 }, worker(n))))
    const rest = await claim({ cap: 4 })
    expect([...perEndpoint([...claims.flat(), ...rest]).values()]).toEqual([4, 4, 4])
  }),

  promise('a lease that ended takes no place under the cap', async ({ endpoint, send, claim, pass, expect }) => {
    const ids = await send([await endpoint()], 6)
    expect(keysOf(await claim({ cap: 4 }))).toEqual(ids.slice(0, 4))
    await pass(LEASE)
    // The two that were never claimed have been due for longer.
    expect(keysOf(await claim({ cap: 4 }))).toEqual([...ids.slice(4), ...ids.slice(0, 2)])
    expect(await claim({ cap: 4 })).toEqual([])
  }),

  promise(
    'endpoints come in the order in which they became ready',
    async ({ endpoints, send, pass, claim, expect }) => {
      const [a, b, c] = (await endpoints(3)) as [Endpoint, Endpoint, Endpoint]
      for (const to of [c, a, b]) {
        await send([to], 2)
        await pass(1_000)
      }
      const claimed = [...(await claim({ limit: 3 })), ...(await claim({ limit: 3 }))]
      expect([...new Set(claimed.map(({ endpoint }) => endpoint.id))]).toEqual([c.id, a.id, b.id])
      expect(claimed.length).toBe(6)
    },
  ),

  promise(
    'an endpoint with more due goes behind those that are ready already',
    async ({ endpoints, send, claim, expect }) => {
      const all = await endpoints(5)
      await send(all, 6)
      const order = all.map(({ id }) => id)
      for (let round = 0; round < 3; round++) {
        const turns: string[] = []
        for (let i = 0; i < 5; i++)
          turns.push(...new Set((await claim({ limit: 2 })).map(({ endpoint }) => endpoint.id)))
        expect(turns).toEqual(order)
      }
      expect(await claim()).toEqual([])
    },
  ),

  promise('new work does not cost a ready endpoint its place', async ({ endpoints, send, pass, claim, expect }) => {
    const [a, b] = (await endpoints(2)) as [Endpoint, Endpoint]
    for (const to of [a, b, a]) {
      await send([to])
      await pass(1_000)
    }
    const claimed = [...(await claim({ limit: 2 })), ...(await claim({ limit: 2 }))]
    expect(claimed.map(({ endpoint }) => endpoint.id)).toEqual([a.id, a.id, b.id])
  }),

  promise(
    'a bulk of 10,000 for one endpoint does not stand before 500 others',
    async ({ endpoint, endpoints, send, claim, expect }) => {
      const bulk = await endpoint()
      const others = await endpoints(500)
      await send([bulk], 10_000)
      await send(others)
      const claimed = [...(await claim({ limit: 600, cap: 4 })), ...(await claim({ limit: 600, cap: 4 }))]
      const counts = perEndpoint(claimed)
      expect(others.filter(({ id }) => counts.get(id) === 1).length).toBe(500)
      expect(counts.get(bulk.id)).toBe(4)
    },
  ),

  promise(
    'no delivery is given to two workers: 5,000 of them, 8 workers',
    async ({ storage, worker, endpoints, send, claim, expect }) => {
      await send(await endpoints(50), 100)
      const claimed: string[] = []
      await Promise.all(
        Array.from({ length: 8 }, async (_, n) => {
          const by = worker(n)
          for (;;) {
            const leases = await claim({ worker: `w${n}`, limit: 37, cap: 8 }, by)
            if (leases.length === 0) break
            claimed.push(...keysOf(leases))
            const applied = await by.settle(leases.map(({ key, token }) => ({ key, token, ...delivered() })))
            expect(applied.every((word) => word === 'applied')).toBe(true)
          }
        }),
      )
      // A worker can find every lane full and leave, and one that is busy can be told late of what was committed late: what is
      // left then is there for who asks when something is due, as every worker does that has nothing to do.
      while ((await storage.nextDueInMs()) === 0) {
        const leases = await claim()
        claimed.push(...keysOf(leases))
        await storage.settle(leases.map(({ key, token }) => ({ key, token, ...delivered() })))
      }
      expect([claimed.length, new Set(claimed).size]).toEqual([5_000, 5_000])
      expect(await storage.depth()).toMatchObject({ open: 0, due: 0 })
    },
  ),

  promise(
    'what one connection writes another claims and settles',
    async ({ storage, second, endpoint, send, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const lease = await claimOne({}, second())
      expect(await storage.claim({ worker: 'w1', limit: 1, leaseMs: LEASE, cap: 4 })).toEqual([])
      expect(await settle(lease, delivered(), storage)).toBe('applied')
      expect(await settle(lease, delivered(), second())).toBe('stale')
      expect(await view(id)).toMatchObject({ state: 'delivered', attempts: 1 })
    },
    'second connection',
  ),

  promise(
    "a process whose clock is wrong decides nothing: the database's clock does",
    async ({ storage, clock, endpoint, sendAndRetry, claim, expect, expectTime }) => {
      await sendAndRetry(await endpoint(), 3_600_000)
      await clock.advance(7_200_000)
      expect(await claim()).toEqual([])
      expectTime(await storage.nextDueInMs(), 3_600_000)
    },
    'database clock',
  ),
]
