import type { DeliveryLease, DeliveryView, Endpoint, Paged, Selector } from '@hooks/core'
import { delivered, failed, idsOf, LEASE, promise, retry, type StorageCase, TENANT } from './world.ts'

/** From 1970, in ms, to the last time that a `Date` can hold. */
const FURTHEST = 8.64e15
const NONE = { pending: 0, sending: 0, retrying: 0, delivered: 0, failed: 0, cancelled: 0, skipped: 0 }

/** The page after `page`. */
const after = (page: Paged<unknown>, limit: number) => ({
  limit,
  ...(page.next !== undefined && { cursor: page.next }),
})

/** HISTORY: what people look at, and what is forgotten. */
export const historyCases: readonly StorageCase[] = [
  promise(
    'messages are listed newest first, page by page, by tenant, type and time',
    async ({ storage, put, pass, expect }) => {
      const early = idsOf(await put(3))
      await pass(10_000)
      const late = idsOf(await put(3, { type: 'user.deleted' }))
      await put(2, { tenant: 'other' })
      const newestFirst = [...early, ...late].reverse()
      const first = await storage.history.messages({ tenant: TENANT }, { limit: 4 })
      expect(idsOf(first.data)).toEqual(newestFirst.slice(0, 4))
      const second = await storage.history.messages({ tenant: TENANT }, after(first, 4))
      expect(idsOf(second.data)).toEqual(newestFirst.slice(4))
      expect(second.next).toBe(undefined)
      expect(first.data[0]).toMatchObject({ type: 'user.deleted', data: '{"n":1}', expired: false, expanded: false })
      const since = first.data[2]?.createdAt as Date
      const ids = async (selector: Omit<Selector, 'tenant'>) =>
        idsOf((await storage.history.messages({ tenant: TENANT, ...selector }, { limit: 100 })).data)
      expect(await ids({ since })).toEqual([...late].reverse())
      expect(await ids({ until: since })).toEqual([...early].reverse())
      expect(await ids({ types: ['user.deleted'] })).toEqual([...late].reverse())
      expect(await ids({ message: early[1] as string })).toEqual([early[1]])
      expect(await ids({ message: early[1] as string, types: ['user.deleted'] })).toEqual([])
    },
  ),

  promise('deliveries are listed newest first, page by page', async ({ storage, endpoints, send, expect }) => {
    const newestFirst = (await send(await endpoints(2), 3)).reverse()
    const first = await storage.history.deliveries({ tenant: TENANT }, { limit: 3 })
    const second = await storage.history.deliveries({ tenant: TENANT }, after(first, 3))
    expect(idsOf([...first.data, ...second.data])).toEqual(newestFirst)
    expect([first.next === undefined, second.next]).toEqual([false, undefined])
  }),

  promise(
    'pages neither repeat nor skip while deliveries come, move and end',
    async ({ storage, endpoint, send, claim, settle, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 30)
      const seen: string[] = []
      let page = await storage.history.deliveries({ tenant: TENANT }, { limit: 7 })
      for (let turn = 0; turn < 10; turn++) {
        seen.push(...idsOf(page.data))
        if (page.next === undefined) break
        await send([to], 3)
        const leases = await claim({ limit: 6 })
        for (const [i, lease] of leases.entries())
          await settle(lease, i % 3 === 0 ? delivered() : i % 3 === 1 ? failed() : retry(0))
        page = await storage.history.deliveries({ tenant: TENANT }, after(page, 7))
      }
      expect(seen).toEqual([...ids].reverse())
    },
  ),

  promise(
    'deliveries are found by all that a selector says',
    async ({ storage, endpoints, endpoint, send, pass, claim, settle, view, expect }) => {
      const [a, b] = (await endpoints(2)) as [Endpoint, Endpoint]
      const [onA, onB] = (await send([a, b])) as [string, string]
      await send([await endpoint({ tenant: 'other' })])
      for (const lease of await claim())
        if (lease.key === onA) await settle(lease, delivered())
        else if (lease.key === onB) await settle(lease, retry(3_600_000))
      await pass(10_000)
      const [lateA, lateB] = (await send([a, b], 1, { type: 'user.deleted' })) as [string, string]
      await claim({ limit: 1 })
      const { messageId, createdAt } = await view(lateA)
      const ids = async (selector: Omit<Selector, 'tenant'>) =>
        idsOf((await storage.history.deliveries({ tenant: TENANT, ...selector }, { limit: 100 })).data)
      expect(await ids({})).toEqual([lateB, lateA, onB, onA])
      expect(await ids({ endpoint: a.id })).toEqual([lateA, onA])
      expect(await ids({ message: messageId })).toEqual([lateB, lateA])
      expect(await ids({ delivery: onB })).toEqual([onB])
      expect(await ids({ delivery: onB, endpoint: a.id })).toEqual([])
      expect(await ids({ types: ['user.deleted'] })).toEqual([lateB, lateA])
      expect(await ids({ since: createdAt })).toEqual([lateB, lateA])
      expect(await ids({ until: createdAt })).toEqual([onB, onA])
      expect(await ids({ states: ['delivered'] })).toEqual([onA])
      expect(await ids({ states: ['retrying', 'delivered'] })).toEqual([onB, onA])
      expect(await ids({ states: ['sending'] })).toEqual([lateA])
      expect(await ids({ states: ['pending'] })).toEqual([lateB])
      expect(await ids({ states: ['pending', 'delivered'], endpoint: a.id, until: createdAt })).toEqual([onA])
    },
  ),

  promise(
    'the first and the last time that there can be are no limits, or find nothing',
    async ({ storage, endpoint, id, put, send, expect }) => {
      const to = await endpoint()
      const sent = await send([to], 2)
      await put(1)
      const [first, last] = [new Date(-FURTHEST), new Date(FURTHEST)]
      const found = async (times: { readonly since?: Date; readonly until?: Date }) => {
        const selector = { tenant: TENANT, ...times }
        const { data: messages } = await storage.history.messages(selector, { limit: 10 })
        const { data: deliveries } = await storage.history.deliveries(selector, { limit: 10 })
        const { pending } = await storage.history.stats(selector)
        const missing = await storage.history.undelivered({ ...selector, endpoint: id('ep_') }, { limit: 10 })
        const { revived } = await storage.revive(selector, 10, undefined, true)
        return [messages.length, deliveries.length, pending, missing.data.length, revived]
      }
      for (const all of [{ since: first }, { until: last }, { since: first, until: last }])
        expect(await found(all)).toEqual([3, 2, 2, 2, 2])
      for (const none of [{ since: last }, { until: first }, { since: last, until: first }])
        expect(await found(none)).toEqual([0, 0, 0, 0, 0])
      const retirement = { state: 'cancelled', reason: 'x' } as const
      expect(await storage.retire({ tenant: TENANT, until: first }, retirement, 10)).toBe(0)
      expect(await storage.retire({ tenant: TENANT, since: first }, retirement, 10)).toBe(sent.length)
    },
  ),

  promise(
    'a delivery is shown as it is at every point of its life',
    async ({ storage, clock, endpoint, send, pass, claimOne, settle, expect, expectTime }) => {
      const to = await endpoint()
      const [id] = (await send([to])) as [string]
      const created = clock.now()
      const shown = async () => (await storage.history.delivery(TENANT, id)) as DeliveryView
      const pending = await shown()
      expect(pending).toEqual({
        id,
        messageId: pending.messageId,
        endpointId: to.id,
        tenant: TENANT,
        type: 'booking.created',
        state: 'pending',
        reason: null,
        attempts: 0,
        variant: null,
        last: null,
        nextAttemptAt: pending.nextAttemptAt,
        createdAt: pending.createdAt,
        finishedAt: null,
      })
      expectTime(pending.createdAt, created)
      const first = await claimOne()
      expect(await shown()).toEqual({ ...pending, state: 'sending', nextAttemptAt: null })
      await settle(first, retry(5_000, { status: 503, response: 'busy' }))
      const retrying = await shown()
      expect(retrying).toMatchObject({ state: 'retrying', attempts: 1, last: { n: 1, status: 503, response: 'busy' } })
      await pass(5_000)
      await settle(await claimOne(), delivered())
      const done = await shown()
      expect(done).toMatchObject({ state: 'delivered', attempts: 2, last: { n: 2, status: 200 }, nextAttemptAt: null })
      expect((await storage.history.deliveries({ tenant: TENANT }, { limit: 1 })).data).toEqual([done])
      if (storage.facts.clock === 'injected') expectTime(done.finishedAt, created.getTime() + 5_000)
    },
  ),

  promise(
    'deliveries are counted by state',
    async ({ storage, endpoints, send, sendAndRetry, claim, settle, expect }) => {
      expect(await storage.history.stats({ tenant: TENANT })).toEqual(NONE)
      const [a, b] = (await endpoints(2)) as [Endpoint, Endpoint]
      await sendAndRetry(b, 3_600_000)
      await send([a], 7)
      const leases = (await claim({ limit: 5 })) as DeliveryLease[]
      for (const [i, outcome] of [
        delivered(),
        delivered(),
        failed(),
        { result: 'cancelled', reason: 'by_hand' } as const,
      ].entries())
        await settle(leases[i] as DeliveryLease, outcome)
      await storage.retire({ tenant: TENANT, endpoint: a.id }, { state: 'skipped', reason: 'endpoint_disabled' }, 1)
      const all = { pending: 1, sending: 1, retrying: 1, delivered: 2, failed: 1, cancelled: 1, skipped: 1 }
      expect(await storage.history.stats({ tenant: TENANT })).toEqual(all)
      expect(await storage.history.stats({ tenant: TENANT, endpoint: a.id })).toEqual({ ...all, retrying: 0 })
      expect(await storage.history.stats({ tenant: TENANT, states: ['delivered', 'failed'] })).toEqual({
        ...NONE,
        delivered: 2,
        failed: 1,
      })
      expect(await storage.history.stats({ tenant: 'other' })).toEqual(NONE)
    },
  ),

  promise(
    'no tenant sees the history of another',
    async ({ storage, endpoint, send, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()])) as [string]
      await settle(await claimOne(), failed())
      const { messageId } = await view(id)
      expect(await storage.history.message('other', messageId)).toBe(null)
      expect(await storage.history.delivery('other', id)).toBe(null)
      expect(await storage.history.attempts('other', id)).toEqual([])
      expect((await storage.history.messages({ tenant: 'other' }, { limit: 10 })).data).toEqual([])
      expect((await storage.history.deliveries({ tenant: 'other', delivery: id }, { limit: 10 })).data).toEqual([])
      expect(await storage.retire({ tenant: 'other', delivery: id }, { state: 'cancelled', reason: 'x' }, 10)).toBe(0)
    },
  ),

  promise('what is not there is null, or empty', async ({ storage, id, expect }) => {
    expect(await storage.history.message(TENANT, id('msg_'))).toBe(null)
    expect(await storage.history.delivery(TENANT, id('dlv_'))).toBe(null)
    expect(await storage.history.attempts(TENANT, id('dlv_'))).toEqual([])
    expect(await storage.history.messages({ tenant: TENANT }, { limit: 10 })).toMatchObject({ data: [] })
    expect(await storage.history.deliveries({ tenant: TENANT }, { limit: 10 })).toMatchObject({ data: [] })
  }),

  promise(
    'payloads that are old are forgotten, and their messages say so',
    async ({ storage, endpoint, put, send, pass, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()], 1, { data: '{"secret":"s"}' })) as [string]
      await settle(await claimOne(), delivered())
      const { messageId } = await view(id)
      await pass(60_000)
      const [young] = await put()
      const { createdAt } = (await storage.history.message(TENANT, young?.id as string)) ?? { createdAt: new Date(0) }
      await storage.history.prune({ payloadsBefore: createdAt }, 100)
      const old = await storage.history.message(TENANT, messageId)
      expect(old).toMatchObject({ id: messageId, type: 'booking.created', data: '', expired: true, expanded: true })
      expect(await storage.history.message(TENANT, young?.id as string)).toMatchObject({
        expired: false,
        data: '{"n":1}',
      })
      expect(await view(id)).toMatchObject({ state: 'delivered', attempts: 1 })
    },
  ),

  promise(
    'the payload of what is still to be sent is kept, however old',
    async ({ storage, endpoints, put, send, pass, claim, claimOne, settle, expect }) => {
      const [a, b] = (await endpoints(2)) as [Endpoint, Endpoint]
      await send([a, b], 1, { data: '{"keep":1}' })
      const [lease] = await claim({ limit: 1 })
      if (lease) await settle(lease, delivered())
      const [marked] = await put(1, { data: '{"keep":2}' })
      await pass(60_000)
      const before = new Date(
        ((await storage.history.message(TENANT, marked?.id as string))?.createdAt.getTime() ?? 0) + 30_000,
      )
      expect(await storage.history.prune({ payloadsBefore: before, historyBefore: before }, 100)).toMatchObject({
        more: false,
      })
      expect((await claimOne()).delivery.message.data).toBe('{"keep":1}')
      expect((await storage.unexpanded(10)).map(({ data }) => data)).toEqual(['{"keep":2}'])
    },
  ),

  promise(
    'the payload of what is sent again is kept as if it had never ended',
    async ({ storage, endpoint, send, pass, claimOne, settle, view, expect }) => {
      const [id] = (await send([await endpoint()], 1, { data: '{"keep":1}' })) as [string]
      await settle(await claimOne(), failed())
      await storage.revive({ tenant: TENANT, delivery: id }, 1)
      const before = new Date((await view(id)).createdAt.getTime() + 30_000)
      await pass(60_000)
      expect(await storage.history.prune({ payloadsBefore: before, historyBefore: before }, 100)).toEqual({
        removed: 0,
        more: false,
      })
      expect((await claimOne()).delivery.message.data).toBe('{"keep":1}')
    },
  ),

  promise(
    'ended deliveries that are old are forgotten with their attempts, open ones are not',
    async ({ storage, endpoint, send, pass, claim, claimOne, settle, view, attempts, expect }) => {
      const to = await endpoint()
      const [old, open] = (await send([to], 2)) as [string, string]
      for (const lease of await claim()) await settle(lease, lease.key === old ? failed() : retry(LEASE))
      await pass(60_000)
      const [young] = (await send([to])) as [string]
      const { createdAt } = await view(young)
      await settle(await claimOne({ limit: 1 }), retry(0))
      const youngLease = (await claim()).find(({ key }) => key === young) as DeliveryLease
      await settle(youngLease, delivered())
      expect(await storage.history.prune({ historyBefore: createdAt }, 100)).toMatchObject({ more: false })
      expect(await storage.history.delivery(TENANT, old)).toBe(null)
      expect(await attempts(old)).toEqual([])
      expect(idsOf((await storage.history.deliveries({ tenant: TENANT }, { limit: 10 })).data)).toEqual([young, open])
      expect((await attempts(open)).length).toBe(2)
      expect(await storage.history.stats({ tenant: TENANT })).toMatchObject({ failed: 0, delivered: 1 })
    },
  ),

  promise(
    'messages of which nothing is left are forgotten too, and no others',
    async ({ storage, endpoint, send, pass, claimOne, settle, view, expect }) => {
      const to = await endpoint()
      await send([to])
      await settle(await claimOne(), failed())
      await pass(60_000)
      const [open] = (await send([to])) as [string]
      await settle(await claimOne(), retry(10 * LEASE))
      const { messageId: kept } = await view(open)
      await pass(60_000)
      const [young] = (await send([to])) as [string]
      const { createdAt: before, messageId: last } = await view(young)
      for (let more = true; more; )
        more = (await storage.history.prune({ payloadsBefore: before, historyBefore: before }, 100)).more
      expect(idsOf((await storage.history.messages({ tenant: TENANT }, { limit: 10 })).data)).toEqual([last, kept])
    },
  ),

  promise(
    'pruning goes in chunks, and says whether there is more',
    async ({ storage, endpoint, send, pass, claim, view, expect }) => {
      const ids = await send([await endpoint()], 25)
      await storage.settle((await claim()).map(({ key, token }) => ({ key, token, ...delivered() })))
      const { createdAt } = await view(ids[0] as string)
      await pass(60_000)
      const before = new Date(createdAt.getTime() + 30_000)
      const removed: number[] = []
      for (let i = 0; i < 20; i++) {
        const chunk = await storage.history.prune({ historyBefore: before }, 10)
        removed.push(chunk.removed)
        if (!chunk.more) break
      }
      expect(Math.max(...removed)).toBeLessThanOrEqual(10)
      expect(removed.reduce((a, b) => a + b, 0)).toBe(25)
      expect(await storage.history.stats({ tenant: TENANT })).toEqual(NONE)
      expect(await storage.history.prune({ historyBefore: before }, 10)).toEqual({ removed: 0, more: false })
      expect(await storage.history.prune({}, 10)).toEqual({ removed: 0, more: false })
    },
  ),
]
