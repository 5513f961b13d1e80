import type { Endpoint, NewMessage, Storage } from '@hooks/core'
import { delivered, failed, keysOf, LEASE, promise, retry, type StorageCase, TENANT, type World } from './world.ts'

const DAY = 86_400_000
/** Long enough that a wait never ends by itself. */
const LONG = { orderingKey: 'k', orderingWaitMs: DAY }

/** Claims one by one what is due, and ends each: the order in which all of it is delivered. */
async function deliverAll({ claim, settle }: World): Promise<string[]> {
  const order: string[] = []
  for (;;) {
    const leases = await claim()
    if (leases.length === 0) return order
    order.push(...keysOf(leases))
    for (const lease of leases) await settle(lease, delivered())
  }
}

/** Expands messages to an endpoint, one delivery each. Returns the deliveries' ids. */
async function expand({ storage, id }: World, to: Endpoint, messages: readonly NewMessage[]): Promise<string[]> {
  const made = messages.map((message) => ({
    messageId: message.id,
    deliveries: [{ id: id('dlv_'), endpointId: to.id }],
  }))
  await (storage as Storage).expand(made)
  return made.map(({ deliveries }) => (deliveries[0] as { id: string }).id)
}

/** Ordering keys: one after the other, per endpoint and key. */
export const orderCases: readonly StorageCase[] = [
  promise(
    'of one ordering key the next starts when the one before has ended',
    async (world) => {
      const { endpoint, send, claim, claimOne, settle, view, expect } = world
      const to = await endpoint()
      const ids = await send([to], 3, LONG)
      const first = await claimOne()
      expect(first.key).toBe(ids[0])
      expect(await claim()).toEqual([])
      expect(await view(ids[1] as string)).toMatchObject({ state: 'pending' })
      expect(await settle(first, delivered())).toBe('applied')
      expect(await deliverAll(world)).toEqual(ids.slice(1))
    },
    'order',
  ),

  promise(
    'what waits for a retry keeps those behind it waiting, and ends as failed before they start',
    async ({ endpoint, send, pass, claim, claimOne, settle, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 2, LONG)
      await settle(await claimOne(), retry(60_000))
      expect(await claim()).toEqual([])
      await pass(60_000)
      const again = await claimOne()
      expect(again.key).toBe(ids[0])
      await settle(again, failed())
      expect((await claimOne()).key).toBe(ids[1])
    },
    'order',
  ),

  promise(
    'keys, endpoints and messages without a key do not wait for each other',
    async ({ endpoints, send, claim, expect }) => {
      const [a, b] = (await endpoints(2)) as [Endpoint, Endpoint]
      const [k1a, k1b] = await send([a, b], 1, LONG)
      await send([a, b], 1, LONG)
      const [other] = await send([a], 1, { ...LONG, orderingKey: 'other' })
      const free = await send([a], 2)
      const claimed = keysOf(await claim())
      expect([...claimed].sort()).toEqual([k1a, k1b, other, ...free].sort())
    },
    'order',
  ),

  promise(
    'tenants with the same key do not wait for each other',
    async ({ endpoint, send, put, claim, expect }) => {
      const [a, b] = [await endpoint(), await endpoint({ tenant: 'globex' })]
      const sent = await send([a], 1, LONG)
      await put(1, LONG)
      sent.push(...(await send([b], 1, LONG)))
      expect([...keysOf(await claim())].sort()).toEqual(sent.sort())
    },
    'order',
  ),

  promise(
    'a lease that ended keeps its place: it is claimed again before those behind it',
    async (world) => {
      const { endpoint, send, pass, claim, claimOne, expect } = world
      const to = await endpoint()
      const ids = await send([to], 2, LONG)
      await claimOne()
      await pass(LEASE)
      expect((await claimOne()).key).toBe(ids[0])
      expect(await claim()).toEqual([])
      await pass(LEASE)
      expect(await deliverAll(world)).toEqual(ids)
    },
    'order',
  ),

  promise(
    'a wait is over after its time: the next goes past, and the one that was passed goes on without an order',
    async ({ endpoint, send, pass, claim, claimOne, settle, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 3, { orderingKey: 'k', orderingWaitMs: 60_000 })
      await settle(await claimOne(), retry(DAY))
      await pass(59_000)
      expect(await claim()).toEqual([])
      await pass(1_000)
      const second = await claimOne({ leaseMs: 2 * DAY })
      expect(second.key).toBe(ids[1])
      await pass(59_000)
      expect(await claim()).toEqual([])
      await settle(second, delivered())
      const third = await claimOne({ leaseMs: 2 * DAY })
      expect(third.key).toBe(ids[2])
      await pass(DAY)
      expect((await claimOne()).key).toBe(ids[0])
    },
    'order',
  ),

  promise(
    'a wait without an end lasts until the one before has ended',
    async ({ storage, endpoint, send, pass, claim, claimOne, settle, view, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 2, { orderingKey: 'k' })
      await settle(await claimOne(), retry(30 * DAY))
      await pass(29 * DAY)
      expect(await claim()).toEqual([])
      expect((await view(ids[1] as string)).nextAttemptAt).toBe(null)
      expect(await storage.retire({ tenant: TENANT, delivery: ids[0] as string }, CANCELLED, 1)).toBe(1)
      expect((await claimOne()).key).toBe(ids[1])
    },
    'order',
  ),

  promise(
    'one that is cancelled while it waits leaves the order of the others as it is',
    async (world) => {
      const { storage, endpoint, send, expect } = world
      const to = await endpoint()
      const ids = await send([to], 4, LONG)
      await storage.retire({ tenant: TENANT, delivery: ids[1] as string }, CANCELLED, 1)
      expect(await deliverAll(world)).toEqual([ids[0], ids[2], ids[3]])
    },
    'order',
  ),

  promise(
    'a resend of one that waits takes it out of the order, and of one that has ended puts it in none',
    async (world) => {
      const { storage, endpoint, send, claim, claimOne, settle, expect } = world
      const to = await endpoint()
      const ids = await send([to], 3, LONG)
      await storage.revive({ tenant: TENANT, delivery: ids[1] as string }, 1)
      expect(keysOf(await claim({ limit: 1 }))).toEqual([ids[0]])
      const second = await claimOne()
      expect(second.key).toBe(ids[1])
      await settle(second, delivered())
      expect(await claim()).toEqual([])
      await storage.revive({ tenant: TENANT, delivery: ids[1] as string }, 1)
      expect(await deliverAll(world)).toEqual([ids[1]])
    },
    'order',
  ),

  promise(
    'a resend of the first of an order leaves it the first',
    async (world) => {
      const { storage, endpoint, send, claim, claimOne, settle, expect } = world
      const to = await endpoint()
      const ids = await send([to], 3, LONG)
      await settle(await claimOne(), retry(DAY / 2))
      await storage.revive({ tenant: TENANT, delivery: ids[0] as string }, 1)
      const first = await claimOne()
      expect(first.key).toBe(ids[0])
      expect(await claim()).toEqual([])
      await settle(first, delivered())
      expect(await deliverAll(world)).toEqual(ids.slice(1))
    },
    'order',
  ),

  promise(
    'a wait begins when one becomes the next, also by what leaves the order before it, and what ends behind it begins none',
    async ({ storage, endpoint, send, pass, claim, claimOne, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 4, { orderingKey: 'k', orderingWaitMs: 60_000 })
      await claimOne({ leaseMs: DAY })
      await pass(30_000)
      await storage.revive({ tenant: TENANT, delivery: ids[1] as string }, 1)
      expect((await claimOne({ leaseMs: DAY })).key).toBe(ids[1])
      await pass(30_000)
      expect(await claim()).toEqual([])
      await storage.retire({ tenant: TENANT, delivery: ids[3] as string }, CANCELLED, 1)
      await pass(30_000)
      expect((await claimOne()).key).toBe(ids[2])
    },
    'order',
  ),

  promise(
    'a message is expanded after those of its key that were put before it, whoever expands it first',
    async (world) => {
      const { storage, endpoint, put, newMessage, claim, expect } = world
      const to = await endpoint()
      const [a, b] = await put(2, LONG)
      const [other] = await put(1, { ...LONG, orderingKey: 'other' })
      const c = newMessage(LONG)
      await storage.put([c])
      await expand(world, to, [c, b as NewMessage])
      expect(await claim()).toEqual([])
      expect((await storage.unexpanded(10)).map(({ id }) => id)).toEqual([a?.id, b?.id, other?.id, c.id])
      const [late] = await expand(world, to, [other as NewMessage])
      // In whatever order one call has them.
      const made = await expand(world, to, [c, a as NewMessage, b as NewMessage])
      const [idC, idA, idB] = made
      expect(await deliverAll(world)).toEqual([late, idA, idB, idC])
      expect(await storage.unexpanded(10)).toEqual([])
    },
    'order',
  ),

  promise(
    'an endpoint that is disabled holds nobody up: its part is skipped',
    async (world) => {
      const { endpoint, send, change, view, expect } = world
      const to = await endpoint()
      const [first] = await send([to], 1, LONG)
      await change(TENANT, to.id, { state: 'disabled' })
      const [second] = await send([to], 1, LONG)
      expect(await view(second as string)).toMatchObject({ state: 'skipped' })
      await change(TENANT, to.id, { state: 'enabled' })
      const [third] = await send([to], 1, LONG)
      expect(await deliverAll(world)).toEqual([first, third])
    },
    'order',
  ),

  promise(
    'a message keeps its ordering key',
    async ({ storage, put, expect }) => {
      const [message] = await put(1, { orderingKey: 'k \0 \ud83d\ude00', orderingWaitMs: 5 })
      const stored = await storage.history.message(TENANT, message?.id ?? '')
      expect(stored?.orderingKey).toBe(message?.orderingKey)
    },
    'order',
  ),
]

const CANCELLED = { state: 'cancelled', reason: 'test' } as const
