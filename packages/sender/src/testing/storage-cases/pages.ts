import { idsOf, promise, type StorageCase, TENANT } from './world.ts'

/** Pages by offset, with totals; filters of endpoints. */
export const pageCases: readonly StorageCase[] = [
  promise(
    'a page by offset has the rows from there, and all are counted where that is asked for',
    async ({ storage, endpoint, endpoints, send, claim, settle, expect }) => {
      const to = await endpoint()
      await endpoints(2)
      const ids = [...(await send([to], 5))].reverse()
      const all = { tenant: TENANT }
      const page = await storage.history.deliveries(all, { limit: 2, offset: 1, total: true })
      expect(idsOf(page.data)).toEqual(ids.slice(1, 3))
      expect(page.total).toBe(5)
      const last = await storage.history.deliveries(all, { limit: 2, offset: 4 })
      expect(idsOf(last.data)).toEqual(ids.slice(4))
      expect({ next: last.next, total: last.total }).toEqual({ next: undefined, total: undefined })
      expect((await storage.history.deliveries(all, { limit: 2, offset: 9, total: true })).total).toBe(5)
      const [lease] = await claim({ limit: 1 })
      if (lease) await settle(lease, { result: 'failed', reason: 'test' })
      expect(
        await storage.history.deliveries({ ...all, states: ['failed'] }, { limit: 2, offset: 1, total: true }),
      ).toEqual({ data: [], total: 1 })
      const messages = await storage.history.messages(all, { limit: 2, offset: 3, total: true })
      expect({ count: messages.data.length, total: messages.total }).toEqual({ count: 2, total: 5 })
      const found = await storage.endpoints.list(TENANT, { limit: 1, offset: 2, total: true })
      expect({ count: found.data.length, total: found.total, next: found.next }).toEqual({
        count: 1,
        total: 3,
        next: undefined,
      })
    },
    'pages',
  ),

  promise(
    'endpoints are listed by state, and of all tenants',
    async ({ storage, endpoint, expect }) => {
      const [a, b] = [await endpoint(), await endpoint({ state: 'disabled' })]
      const c = await endpoint({ tenant: 'globex' })
      const ids = async (...args: Parameters<typeof storage.endpoints.list>) =>
        idsOf((await storage.endpoints.list(...args)).data)
      expect(await ids(TENANT, { limit: 9 }, { state: 'disabled' })).toEqual([b.id])
      expect(await ids(TENANT, { limit: 9 }, { state: 'enabled' })).toEqual([a.id])
      expect(await ids(null, { limit: 9 })).toEqual([a.id, b.id, c.id])
      expect(await ids(null, { limit: 9, cursor: a.id }, { state: 'enabled' })).toEqual([c.id])
      const page = await storage.endpoints.list(null, { limit: 1, total: true }, { state: 'enabled' })
      expect({ total: page.total, next: page.next }).toEqual({ total: 2, next: a.id })
    },
    'pages',
  ),

  promise('a secret keeps from when and until when it signs', async ({ storage, endpoint, expect }) => {
    const secrets = [
      { keyId: 'k1', sealed: 'new', signsFrom: new Date('2030-01-01T00:00:00Z'), signsUntil: null },
      { keyId: null, sealed: 'old', signsUntil: new Date('2030-01-01T00:00:00Z') },
    ]
    const { id } = await endpoint({ secrets })
    expect((await storage.endpoints.get(TENANT, id))?.secrets).toEqual(secrets)
  }),
]
