import type { Endpoint } from '@hooks/core'
import { perEndpoint, promise, type StorageCase, TENANT } from './world.ts'

/** What one claim takes of failing endpoints, and of one tenant. */
export const shareCases: readonly StorageCase[] = [
  promise(
    'of failing endpoints a claim takes no more than their share, and of the others what they have',
    async ({ storage, endpoints, send, claim, expect }) => {
      const [a, b, well] = (await endpoints(3)) as [Endpoint, Endpoint, Endpoint]
      await storage.hold([a, b].map(({ id }) => ({ endpointId: id, failing: true })))
      await send([a, b, well], 5)
      const first = await claim({ limit: 6, cap: 4, failingLimit: 3 })
      const of = perEndpoint(first)
      expect((of.get(a.id) ?? 0) + (of.get(b.id) ?? 0)).toBe(3)
      expect(of.get(well.id)).toBe(3)
      expect(perEndpoint(await claim({ failingLimit: 0 }))).toEqual(new Map([[well.id, 2]]))
      expect(await claim({ failingLimit: 0 })).toEqual([])
      expect((await claim({ failingLimit: 100 })).length).toBe(7)
    },
    'shares',
  ),

  promise(
    'while others wait, no tenant takes more than its share of a claim, what it runs already included',
    async ({ endpoint, send, claim, expect }) => {
      const bulk = [await endpoint({ tenant: 'bulk' }), await endpoint({ tenant: 'bulk' })]
      await send(bulk, 20)
      const others = [await endpoint({ tenant: 'one' }), await endpoint({ tenant: 'two' })] as [Endpoint, Endpoint]
      for (const one of others) await send([one], 3)
      const tenants = { most: 4, running: { bulk: 1, two: 2 } }
      const of = perEndpoint(await claim({ limit: 8, tenants }))
      expect((of.get(bulk[0]?.id ?? '') ?? 0) + (of.get(bulk[1]?.id ?? '') ?? 0)).toBe(3)
      expect(of.get(others[0].id)).toBe(3)
      expect(of.get(others[1].id)).toBe(2)
    },
    'shares',
  ),

  promise(
    'where nobody else waits, a tenant takes all there is room for',
    async ({ endpoint, send, claim, expect }) => {
      const to = [await endpoint({ tenant: 'bulk' }), await endpoint({ tenant: 'bulk' })]
      await send(to, 20)
      expect((await claim({ limit: 10, tenants: { most: 2, running: { bulk: 9 } } })).length).toBe(10)
      expect((await claim({ limit: 100, tenants: { most: 2, running: { bulk: 19 } } })).length).toBe(30)
      expect(await claim({ tenants: { most: 2, running: {} } })).toEqual([])
    },
    'shares',
  ),

  promise(
    'what was passed over is taken in the order in which it became ready',
    async ({ endpoint, send, pass, claim, expect }) => {
      const full = await endpoint({ tenant: 'full' })
      const other = await endpoint({ tenant: 'other' })
      for (const to of [full, other]) {
        await send([to], 3)
        await pass(1)
      }
      const of = perEndpoint(await claim({ limit: 3, tenants: { most: 1, running: { full: 1 } } }))
      expect([full, other].map(({ id }) => of.get(id))).toEqual([2, 1])
    },
    'shares',
  ),

  promise(
    'the endpoints of a tenant that has its share already come in turn',
    async ({ endpoint, send, pass, claimOne, expect }) => {
      const to = [await endpoint(), await endpoint(), await endpoint()]
      for (const one of to) {
        await send([one], 3)
        await pass(1)
      }
      const taken: string[] = []
      for (let n = 0; n < 6; n++) {
        const { endpoint: from } = await claimOne({ limit: 1, tenants: { most: 1, running: { [TENANT]: 1 } } })
        taken.push(from.id)
        await pass(1)
      }
      const ids = to.map(({ id }) => id)
      expect(taken).toEqual([...ids, ...ids])
    },
    'shares',
  ),

  promise(
    'a tenant has its share whatever it is called, also like something that every object has',
    async ({ endpoint, send, claim, expect }) => {
      const names = ['constructor', '__proto__', 'toString', 'plain']
      const to = await Promise.all(names.map((tenant) => endpoint({ tenant })))
      for (const one of to) await send([one], 3)
      const running = JSON.parse('{"__proto__": 1, "plain": 1}') as Record<string, number>
      const of = perEndpoint(await claim({ limit: 6, tenants: { most: 2, running } }))
      expect(to.map(({ id }) => of.get(id))).toEqual([2, 1, 2, 1])
      expect((await claim({ tenants: { most: 2, running } })).length).toBe(6)
    },
    'shares',
  ),
]
