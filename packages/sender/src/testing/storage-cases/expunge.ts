import type { Endpoint, Selector } from '@hooks/core'
import { delivered, idsOf, promise, retry, type StorageCase, TENANT, type World } from './world.ts'

async function expungeAll(
  { storage }: World,
  what: { tenant: string; message?: string },
  limit: number,
): Promise<number> {
  let removed = 0
  for (;;) {
    const chunk = await storage.history.expunge(what, limit)
    removed += chunk.removed
    if (!chunk.more) return removed
  }
}

const countOf = async ({ storage }: World, selector: Selector) =>
  (await storage.history.deliveries(selector, { limit: 1_000 })).data.length

const LAST = new Date(8_640_000_000_000_000)

/** Removing every trace. */
export const expungeCases: readonly StorageCase[] = [
  promise(
    'a message is expunged with its deliveries, attempts and key, open ones too, and nothing else is',
    async (world) => {
      const { storage, endpoints, send, put, claim, settle, newMessage, expect } = world
      const to = (await endpoints(3)) as Endpoint[]
      const key = { idempotencyKey: 'k', idempotencyKeepMs: 1e9 }
      const ids = await send(to, 1, key)
      const others = await send(to, 1)
      const [message] = (await storage.history.messages({ tenant: TENANT }, { limit: 2 })).data.slice(-1)
      const leases = await claim({ limit: 2, cap: 1 })
      if (leases[0]) await settle(leases[0], retry(1_000))
      expect(await storage.history.expunge({ tenant: 'globex', message: message?.id ?? '' }, 10)).toEqual({
        removed: 0,
        more: false,
      })
      // A name that is no message's is not the absence of one.
      expect(await expungeAll(world, { tenant: TENANT, message: '' }, 10)).toBe(0)
      expect(await expungeAll(world, { tenant: TENANT, message: message?.id ?? '' }, 2)).toBeGreaterThan(3)
      expect(await storage.history.message(TENANT, message?.id ?? '')).toBe(null)
      for (const id of ids) {
        expect(await storage.history.delivery(TENANT, id)).toBe(null)
        expect(await storage.history.attempts(TENANT, id)).toEqual([])
      }
      if (leases[1]) expect(await settle(leases[1], delivered())).toBe('stale')
      expect(idsOf((await storage.history.deliveries({ tenant: TENANT }, { limit: 9 })).data).sort()).toEqual(
        [...others].sort(),
      )
      expect((await claim()).length).toBe(3)
      const again = newMessage({ ...key, data: '"other"' })
      expect(await storage.put([again])).toEqual([{ id: again.id, outcome: 'created' }])
      const [marked] = await put()
      await expungeAll(world, { tenant: TENANT, message: marked?.id ?? '' }, 10)
      expect(idsOf(await storage.unexpanded(10))).toEqual([again.id])
    },
    'expunge',
  ),

  promise(
    'the expunging of a message lets what waited for it begin',
    async (world) => {
      const { storage, endpoint, send, claimOne, expect } = world
      const to = await endpoint()
      const ids = await send([to], 2, { orderingKey: 'k' })
      const { messageId } = (await storage.history.delivery(TENANT, ids[0] as string)) as { messageId: string }
      await expungeAll(world, { tenant: TENANT, message: messageId }, 10)
      expect((await claimOne()).key).toBe(ids[1])
    },
    'expunge',
    'order',
  ),

  promise(
    'a tenant is expunged with all that it has, in chunks, and no other is',
    async (world) => {
      const { storage, endpoint, send, put, newMessage, claim, settle, view, id, expect } = world
      // Of a message that is forgotten, its key may be left.
      const keyed = newMessage({ tenant: 'globex', idempotencyKey: 'old', idempotencyKeepMs: 1e9 })
      await storage.put([keyed])
      await storage.expand([{ messageId: keyed.id, deliveries: [] }])
      await storage.history.prune({ payloadsBefore: LAST, historyBefore: LAST }, 10)
      const mine = [await endpoint({ tenant: 'globex' }), await endpoint({ tenant: 'globex' })]
      const other = await endpoint()
      await send(mine, 5)
      await put(3, { tenant: 'globex', idempotencyKey: 'k', idempotencyKeepMs: 1e9 })
      const [kept] = await send([other])
      for (const lease of (await claim()).slice(0, 3)) await settle(lease, delivered())
      for (const tenant of ['globex', TENANT])
        await storage.jobs.create({ id: id('job_'), tenant, kind: 'recover', params: {} })
      const first = await storage.history.expunge({ tenant: 'globex' }, 3)
      expect(first.more).toBe(true)
      expect(first.removed).toBeLessThanOrEqual(3)
      await expungeAll(world, { tenant: 'globex' }, 4)
      expect(await countOf(world, { tenant: 'globex' })).toBe(0)
      expect((await storage.history.messages({ tenant: 'globex' }, { limit: 9 })).data).toEqual([])
      expect((await storage.endpoints.list('globex', { limit: 9 })).data).toEqual([])
      expect(await storage.lanes(mine.map((one) => one.id))).toEqual([])
      const jobs = await Promise.all(['globex', TENANT].map((tenant) => storage.jobs.list(tenant, { limit: 9 })))
      expect(jobs.map(({ data }) => data.length)).toEqual([0, 1])
      expect((await storage.depth()).unexpanded).toBe(0)
      expect(await view(kept as string)).toMatchObject({ id: kept })
      expect(await storage.history.expunge({ tenant: 'globex' }, 4)).toEqual({ removed: 0, more: false })
      const again = newMessage({ tenant: 'globex', idempotencyKey: 'old' })
      expect(await storage.put([again])).toEqual([{ id: again.id, outcome: 'created' }])
    },
    'expunge',
    'health',
    'jobs',
  ),

  promise(
    'jobs that ended long ago are pruned',
    async ({ storage, id, expect }) => {
      const job = { id: id('job_'), tenant: TENANT, kind: 'recover', params: {} }
      const running = { ...job, id: id('job_') }
      await storage.jobs.create(job)
      await storage.jobs.create(running)
      await storage.jobs.cancel(TENANT, job.id)
      await storage.history.prune({ historyBefore: LAST }, 10)
      expect((await storage.jobs.list(TENANT, { limit: 9 })).data.map((one) => one.id)).toEqual([running.id])
    },
    'jobs',
  ),
]
