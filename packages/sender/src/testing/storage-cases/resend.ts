import type { DeliveryLease, Endpoint, Revival, Selector } from '@hooks/core'
import { delivered, failed, keysOf, LEASE, promise, retry, type StorageCase, TENANT } from './world.ts'

const CANCEL = { state: 'cancelled', reason: 'by_hand' } as const
const SKIP = { state: 'skipped', reason: 'endpoint_disabled' } as const

/** RETIRE and REVIVE: ending what is open, and opening what has ended. */
export const resendCases: readonly StorageCase[] = [
  promise(
    'retiring ends what waits, and leaves alone what is in flight',
    async ({ storage, clock, endpoint, send, sendAndRetry, claimOne, settle, view, expect, expectTime }) => {
      const to = await endpoint()
      const waiting = await sendAndRetry(to, 3_600_000)
      const [sending, pending] = (await send([to], 2)) as [string, string]
      const lease = await claimOne({ limit: 1 })
      expect(await storage.retire({ tenant: TENANT, endpoint: to.id }, SKIP, 100)).toBe(2)
      for (const id of [waiting, pending]) {
        const ended = await view(id)
        expect(ended).toMatchObject({ ...SKIP, nextAttemptAt: null })
        expectTime(ended.finishedAt, clock.now())
      }
      expect(await view(waiting)).toMatchObject({ attempts: 1, last: { n: 1, status: 500 } })
      expect(await view(sending)).toMatchObject({ state: 'sending' })
      expect(await settle(lease, delivered())).toBe('applied')
      expect(await storage.retire({ tenant: TENANT, endpoint: to.id }, SKIP, 100)).toBe(0)
      expect(await storage.nextDueInMs()).toBe(null)
    },
  ),

  promise(
    'retiring what is sending too makes its attempts settle as stale',
    async ({ storage, endpoint, send, claim, settle, view, attempts, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 4)
      const leases = (await claim({ limit: 3 })) as [DeliveryLease, DeliveryLease, DeliveryLease]
      const states = ['pending', 'sending', 'retrying'] as const
      expect(await storage.retire({ tenant: TENANT, endpoint: to.id, states }, CANCEL, 100)).toBe(4)
      expect(await settle(leases[0], retry(0))).toBe('stale')
      expect(await settle(leases[1], failed())).toBe('stale')
      expect(await settle(leases[2], delivered())).toBe('stale')
      for (const id of ids) {
        expect(await view(id)).toMatchObject({ ...CANCEL, attempts: 0 })
        expect(await attempts(id)).toEqual([])
      }
      expect(await claim()).toEqual([])
      expect(await storage.depth()).toMatchObject({ open: 0, due: 0 })
    },
  ),

  promise(
    'retiring what is sending gives its place under the cap back',
    async ({ storage, endpoint, send, claim, claimOne, expect }) => {
      const to = await endpoint()
      const [, second] = await send([to], 2)
      const lease = await claimOne({ cap: 1 })
      expect(await storage.retire({ tenant: TENANT, delivery: lease.key, states: ['sending'] }, CANCEL, 1)).toBe(1)
      expect(keysOf(await claim({ cap: 1 }))).toEqual([second])
    },
  ),

  promise(
    'retiring ends no more than its limit, and goes on where it is asked again',
    async ({ storage, endpoint, send, expect }) => {
      const to = await endpoint()
      await send([to], 25)
      const selector = { tenant: TENANT, endpoint: to.id }
      expect(await storage.retire(selector, CANCEL, 10)).toBe(10)
      expect(await storage.retire(selector, CANCEL, 10)).toBe(10)
      expect(await storage.retire(selector, CANCEL, 10)).toBe(5)
      expect(await storage.retire(selector, CANCEL, 10)).toBe(0)
      expect(await storage.history.stats({ tenant: TENANT })).toMatchObject({ cancelled: 25, pending: 0 })
    },
  ),

  promise(
    'retiring ends what its whole selector says, and nothing else',
    async ({ storage, endpoints, endpoint, send, sendAndRetry, pass, view, expect }) => {
      const [a, b] = (await endpoints(2)) as [Endpoint, Endpoint]
      const other = await endpoint({ tenant: 'other' })
      const waiting = await sendAndRetry(a, 3_600_000)
      const [onA, onB] = (await send([a, b])) as [string, string]
      await send([other])
      await pass(10_000)
      const [late, lateToo] = (await send([a, b], 1, { type: 'user.deleted' })) as [string, string]
      const { messageId, createdAt: since } = await view(late)
      const retired = (selector: Omit<Selector, 'tenant'>) =>
        storage.retire({ tenant: TENANT, ...selector }, CANCEL, 100)
      expect(await retired({ delivery: onA, endpoint: b.id })).toBe(0)
      expect(await retired({ states: ['delivered', 'failed'] })).toBe(0)
      expect(await retired({ states: ['sending'] })).toBe(0)
      expect(await retired({ types: ['user.deleted'], until: since })).toBe(0)
      expect(await retired({ states: ['retrying'] })).toBe(1)
      expect(await retired({ message: messageId, endpoint: a.id })).toBe(1)
      expect(await retired({ types: ['user.deleted', 'no.such'], since })).toBe(1)
      expect(await retired({ until: since, delivery: onA })).toBe(1)
      expect(await retired({})).toBe(1)
      for (const id of [waiting, onA, onB, late, lateToo]) expect(await view(id)).toMatchObject(CANCEL)
      expect((await storage.depth()).open).toBe(1)
    },
  ),

  promise(
    'what a dead worker left behind can be retired once its lease is over',
    async ({ storage, endpoint, send, pass, claimOne, settle, view, expect }) => {
      const to = await endpoint()
      const [id] = (await send([to])) as [string]
      const lease = await claimOne()
      expect(await storage.retire({ tenant: TENANT }, CANCEL, 10)).toBe(0)
      await pass(LEASE)
      expect(await view(id)).toMatchObject({ state: 'pending' })
      expect(await storage.retire({ tenant: TENANT }, CANCEL, 10)).toBe(1)
      expect(await settle(lease, retry(0))).toBe('stale')
      expect(await view(id)).toMatchObject(CANCEL)
    },
  ),

  promise(
    'retiring and settling at once come to one end',
    async ({ storage, worker, endpoint, send, claim, settle, view, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 20)
      const leases = await claim()
      const states = ['pending', 'sending', 'retrying'] as const
      const [retired, ...applied] = await Promise.all([
        worker(1).retire({ tenant: TENANT, states }, CANCEL, 10),
        ...leases.map((lease) => settle(lease, delivered())),
      ])
      const wins = applied.filter((word) => word === 'applied').length
      expect(wins + retired).toBe(20)
      const ends: string[] = []
      for (const id of ids) ends.push((await view(id)).state)
      expect([
        ends.filter((state) => state === 'delivered').length,
        ends.filter((state) => state === 'cancelled').length,
      ]).toEqual([wins, retired])
      expect((await storage.depth()).open).toBe(0)
    },
  ),

  promise(
    'a resend counts claims anew, so that what was lost before does not make it poison',
    async ({ storage, endpoint, send, pass, claimOne, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      await claimOne()
      await pass(LEASE)
      expect(await claimOne()).toMatchObject({ claims: 2 })
      await pass(LEASE)
      await storage.revive({ tenant: TENANT, delivery: id }, 1)
      expect(await claimOne()).toMatchObject({ key: id, claims: 1, attempt: 1 })
    },
  ),

  promise(
    'a resend revives the same row: same id, same bytes, numbers that go on, a schedule that begins anew',
    async ({ storage, endpoint, send, pass, claimOne, settle, view, attempts, expect, expectTime }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const first = await claimOne()
      await settle(first, retry(0))
      await settle(await claimOne(), failed())
      await pass(3_600_000)
      expect(await storage.revive({ tenant: TENANT, delivery: id }, 10)).toEqual({
        revived: 1,
        inFlight: 0,
        expired: 0,
        blocked: 0,
      })
      expect(await view(id)).toMatchObject({
        state: 'retrying',
        reason: null,
        attempts: 2,
        finishedAt: null,
        last: { n: 2 },
      })
      await pass(5_000)
      const again = await claimOne()
      expect(again).toMatchObject({ key: id, attempt: 3, claims: 1, step: 0, trigger: 'manual' })
      expect(again.delivery).toEqual(first.delivery)
      expectTime(again.ageMs, 5_000)
      expect(await settle(first, failed())).toBe('stale')
      expect(await settle(again, retry(0, { trigger: 'manual' }))).toBe('applied')
      const last = await claimOne()
      expect(last).toMatchObject({ attempt: 4, step: 1, trigger: 'schedule' })
      await settle(last, delivered())
      expect((await attempts(id)).map(({ n, trigger }) => [n, trigger])).toEqual([
        [1, 'schedule'],
        [2, 'schedule'],
        [3, 'manual'],
        [4, 'schedule'],
      ])
      expect(await view(id)).toMatchObject({ state: 'delivered', attempts: 4 })
    },
  ),

  promise(
    'what was delivered, skipped or cancelled can be sent again too',
    async ({ storage, endpoint, send, claim, settle, expect }) => {
      const ids = await send([await endpoint()], 3)
      const leases = (await claim()) as [DeliveryLease, DeliveryLease, DeliveryLease]
      await settle(leases[0], delivered())
      await settle(leases[1], { result: 'skipped', reason: 'endpoint_disabled' })
      await settle(leases[2], { result: 'cancelled', reason: 'by_hand' })
      expect(await storage.revive({ tenant: TENANT }, 10)).toMatchObject({ revived: 3 })
      const again = await claim()
      expect(keysOf(again)).toEqual(ids)
      expect(again.map(({ attempt, trigger }) => [attempt, trigger])).toEqual([
        [2, 'manual'],
        [1, 'manual'],
        [1, 'manual'],
      ])
    },
  ),

  promise(
    'what waits for a retry stops waiting, and its time begins anew',
    async ({ storage, endpoint, sendAndRetry, pass, claimOne, expect, expectTime }) => {
      const id = await sendAndRetry(await endpoint(), 3_600_000)
      await pass(1_800_000)
      expect(await storage.revive({ tenant: TENANT, delivery: id }, 10)).toMatchObject({ revived: 1 })
      expect(await storage.nextDueInMs()).toBe(0)
      const lease = await claimOne()
      expect(lease).toMatchObject({ key: id, attempt: 2, step: 0, trigger: 'manual' })
      expectTime(lease.ageMs, 0)
    },
  ),

  promise(
    'a lost attempt of a resend is logged as one',
    async ({ storage, endpoint, sendAndRetry, pass, claimOne, attempts, expect }) => {
      const id = await sendAndRetry(await endpoint(), 3_600_000)
      await storage.revive({ tenant: TENANT, delivery: id }, 10)
      await claimOne()
      await pass(LEASE)
      expect(await claimOne()).toMatchObject({ claims: 2, trigger: 'manual', step: 0 })
      expect((await attempts(id))[1]).toMatchObject({ n: 2, error: 'lost', trigger: 'manual' })
    },
  ),

  promise('an end is the end of counting claims', async ({ storage, endpoint, send, pass, claimOne, expect }) => {
    const [id] = (await send([await endpoint()])) as [string]
    await claimOne()
    await pass(LEASE)
    expect(await claimOne()).toMatchObject({ claims: 2 })
    await storage.retire({ tenant: TENANT, delivery: id, states: ['sending'] }, CANCEL, 1)
    await storage.revive({ tenant: TENANT, delivery: id }, 1)
    expect(await claimOne()).toMatchObject({ key: id, claims: 1, attempt: 1 })
  }),

  promise(
    'a revival leaves alone, and counts, what is in flight',
    async ({ storage, endpoint, send, claim, claimOne, settle, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      const lease = await claimOne()
      expect(await storage.revive({ tenant: TENANT, delivery: id }, 10)).toEqual({
        revived: 0,
        inFlight: 1,
        expired: 0,
        blocked: 0,
      })
      expect(await claim()).toEqual([])
      expect(await settle(lease, delivered())).toBe('applied')
    },
  ),

  promise(
    'a revival leaves alone, and counts, what has no payload any more',
    async ({ storage, endpoint, send, pass, claim, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      await settle(await claimOne(), failed())
      const { createdAt } = await view(id)
      await pass(60_000)
      await storage.history.prune({ payloadsBefore: new Date(createdAt.getTime() + 30_000) }, 100)
      expect(await storage.revive({ tenant: TENANT }, 10)).toEqual({ revived: 0, inFlight: 0, expired: 1, blocked: 0 })
      expect(await view(id)).toMatchObject({ state: 'failed' })
      expect(await claim()).toEqual([])
    },
  ),

  promise(
    'a revival leaves alone, and counts, what has no endpoint that could take it',
    async ({ storage, endpoints, send, change, claim, expect }) => {
      const [disabled, gone, well] = (await endpoints(3)) as [Endpoint, Endpoint, Endpoint]
      await send([disabled, gone, well])
      await storage.retire({ tenant: TENANT, endpoint: disabled.id }, SKIP, 10)
      await storage.retire({ tenant: TENANT, endpoint: well.id }, SKIP, 10)
      await change(TENANT, disabled.id, { state: 'disabled' })
      await storage.endpoints.remove(TENANT, gone.id)
      expect(await storage.revive({ tenant: TENANT }, 10)).toEqual({ revived: 1, inFlight: 0, expired: 0, blocked: 2 })
      expect((await claim()).map(({ endpoint }) => endpoint.id)).toEqual([well.id])
    },
  ),

  promise(
    'a revival goes through everything once, page by page',
    async ({ storage, endpoint, send, claim, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 25)
      await storage.retire({ tenant: TENANT }, CANCEL, 100)
      const ended = { tenant: TENANT, states: ['cancelled'] } as const
      // What was revived is not what the first selector asks for any more; it still is what the second does.
      for (const selector of [ended, { tenant: TENANT, endpoint: to.id }]) {
        const pages: Revival[] = []
        let cursor: string | undefined
        do {
          const page = await storage.revive(selector, 10, cursor)
          pages.push(page)
          cursor = page.next
        } while (cursor !== undefined && pages.length < 10)
        expect(pages.map(({ revived }) => revived)).toEqual([10, 10, 5])
      }
      expect(keysOf(await claim())).toEqual(ids)
    },
  ),

  promise(
    'a revival is for its own tenant and its whole selector',
    async ({ storage, endpoints, endpoint, send, claim, expect }) => {
      const [a, b] = (await endpoints(2)) as [Endpoint, Endpoint]
      const other = await endpoint({ tenant: 'other' })
      const [onA, onB] = (await send([a, b])) as [string, string]
      const [theirs] = (await send([other])) as [string]
      for (const tenant of [TENANT, 'other']) await storage.retire({ tenant }, CANCEL, 10)
      const none = { revived: 0, inFlight: 0, expired: 0, blocked: 0 }
      expect(await storage.revive({ tenant: TENANT, delivery: theirs }, 10)).toEqual(none)
      expect(await storage.revive({ tenant: TENANT, delivery: onA, endpoint: b.id }, 10)).toEqual(none)
      expect(await storage.revive({ tenant: TENANT, states: ['failed'] }, 10)).toEqual(none)
      expect(await storage.revive({ tenant: TENANT, endpoint: b.id, types: ['booking.created'] }, 10)).toMatchObject({
        revived: 1,
      })
      expect(keysOf(await claim())).toEqual([onB])
    },
  ),
]
