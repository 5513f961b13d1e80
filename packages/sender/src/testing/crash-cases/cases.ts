import type { Endpoint } from '@hooks/core'
import { delivered, failed, idsOf, keysOf, LEASE, retry, TENANT, type World } from '../storage-cases/world.ts'
import type { CrashOperation } from './operations.ts'

/** What a case has beside its storage. */
export interface CrashWorld extends World {
  /** Has another process do `operation`, and killed in it. */
  crash(operation: CrashOperation): Promise<void>
  /** Expects that the rows fit together, as somebody sees them who reads them past the storage. */
  probe(): Promise<void>
}

/** One promise of the port to those who die, and the test of it, at one failpoint. */
export interface CrashCase {
  readonly title: string
  readonly run: (world: CrashWorld) => Promise<void>
}

/** Every case is run once for each failpoint of its call, on the same storage. */
export const crashCases: readonly CrashCase[] = [
  {
    title: 'of a send that is killed all is there or nothing, and made again it is there once',
    async run({ storage, newMessage, crash, probe, expect }) {
      const first = newMessage()
      const messages = [{ ...first, idempotencyKey: first.id, idempotencyKeepMs: 60_000 }, newMessage(), newMessage()]
      await crash({ name: 'send', messages })
      await probe()
      const there = async () => idsOf(await storage.unexpanded(100)).sort()
      const found = await there()
      if (found.length > 0) expect(found).toEqual(idsOf(messages).sort())
      expect(await storage.put(messages)).toEqual(messages.map(({ id }) => ({ id, outcome: 'created' })))
      expect(await there()).toEqual(idsOf(messages).sort())
      await probe()
      await storage.expand(messages.map(({ id }) => ({ messageId: id, deliveries: [] })))
    },
  },
  {
    title: 'of an expansion that is killed a message has its mark or its deliveries, and made again it has them once',
    async run({ storage, endpoints, put, id, claim, settle, crash, probe, expect }) {
      const to = await endpoints(2)
      const messages = await put(2)
      const expansions = messages.map((message) => ({
        messageId: message.id,
        deliveries: to.map((endpoint) => ({ id: id('dlv_'), endpointId: endpoint.id })),
      }))
      await crash({ name: 'expand', expansions })
      await probe()
      const deliveries = async (message: string) =>
        (await storage.history.deliveries({ tenant: TENANT, message }, { limit: 10 })).data
      const marked = idsOf(await storage.unexpanded(100))
      for (const message of messages)
        expect((await deliveries(message.id)).length).toBe(marked.includes(message.id) ? 0 : to.length)
      await storage.expand(expansions)
      for (const [i, message] of messages.entries())
        expect(idsOf(await deliveries(message.id)).sort()).toEqual(idsOf(expansions[i]?.deliveries as never).sort())
      expect(await storage.unexpanded(100)).toEqual([])
      await probe()
      for (const lease of await claim()) await settle(lease, delivered())
    },
  },
  {
    title:
      'what was claimed by one that is killed is given again after its lease, to nobody before, and costs no attempt',
    async run({ storage, endpoint, send, claim, settle, attempts, view, pass, crash, probe, expect }) {
      const to = await endpoint()
      const sent = await send([to], 3)
      await crash({ name: 'claim', options: { worker: 'dying', limit: 100, leaseMs: LEASE, cap: 100 } })
      await probe()
      const before = await claim()
      if (before.length > 0) expect(keysOf(before).sort()).toEqual([...sent].sort())
      for (const lease of before) expect(await settle(lease, delivered())).toBe('applied')
      await pass(LEASE + 1)
      const after = await claim()
      expect(keysOf([...before, ...after]).sort()).toEqual([...sent].sort())
      for (const lease of after) expect(lease.attempt).toBe(1)
      expect(await storage.settle(after.map(({ key, token }) => ({ key, token, ...delivered() })))).toEqual(
        after.map(() => 'applied'),
      )
      await probe()
      for (const one of sent) {
        expect(await view(one)).toMatchObject({ state: 'delivered', attempts: 1 })
        const record = await attempts(one)
        expect(record.filter(({ error }) => error !== 'lost').length).toBe(1)
        expect(record.length).toBe(before.length > 0 ? 1 : 2)
      }
    },
  },
  {
    title: 'of a settlement that is killed all is recorded or nothing, and made again it is recorded once',
    async run({ storage, endpoint, send, claim, attempts, view, pass, settle, crash, probe, expect }) {
      const to = await endpoint()
      await send([to], 4)
      const leases = await claim()
      const outcomes = [delivered(), retry(1_000), failed(), delivered()]
      const settlements = leases.map(({ key, token }, i) => ({ key, token, ...(outcomes[i] as (typeof outcomes)[0]) }))
      await crash({ name: 'settle', settlements })
      await probe()
      const again = await storage.settle(settlements)
      expect(new Set(again).size).toBe(1)
      await probe()
      const states = await Promise.all(keysOf(leases).map(async (key) => (await view(key)).state))
      expect(states).toEqual(['delivered', 'retrying', 'failed', 'delivered'])
      for (const key of keysOf(leases)) expect((await attempts(key)).length).toBe(1)
      await pass(1_000)
      for (const lease of await claim()) expect(await settle(lease, delivered())).toBe('applied')
    },
  },
  {
    title: 'of a removal that is killed nothing is done or the endpoint is gone for all, and made again all is ended',
    run: (world) =>
      removal(world, async ({ storage, expect }, endpoint, isGone) => {
        expect(await storage.endpoints.remove(TENANT, endpoint.id)).toBe(isGone ? 'stale' : 'applied')
      }),
  },
  {
    title: 'what a removal that is killed has left open is ended by whoever forgets what is old',
    run: (world) =>
      removal(world, async ({ storage }, endpoint, isGone) => {
        if (!isGone) await storage.endpoints.remove(TENANT, endpoint.id)
        while ((await storage.history.prune({}, 2)).more);
      }),
  },
  {
    title: 'an endpoint that is created under the id of one whose removal was killed begins with nothing',
    run: (world) =>
      removal(world, async ({ storage, newEndpoint, send, claim, settle, expect }, { id }, isGone) => {
        if (!isGone) await storage.endpoints.remove(TENANT, id)
        expect(await storage.endpoints.create(newEndpoint({ id }), 100)).toBe('applied')
        const anew = await storage.endpoints.get(TENANT, id)
        const sent = await send(anew ? [anew] : [])
        const leases = await claim()
        expect(keysOf(leases)).toEqual(sent)
        for (const lease of leases) expect(await settle(lease, delivered())).toBe('applied')
        await storage.endpoints.remove(TENANT, id)
      }),
  },
]

/** A removal that is killed, and what is there before and after the rest is done. */
async function removal(
  world: CrashWorld,
  finish: (world: CrashWorld, endpoint: Endpoint, isGone: boolean) => Promise<void>,
): Promise<void> {
  const { storage, endpoint, send, claimOne, claim, settle, view, crash, probe, expect } = world
  const gone = await endpoint()
  const sent = await send([gone], 5)
  const lease = await claimOne({ limit: 1 })
  await crash({ name: 'remove', endpoint: { tenant: TENANT, id: gone.id } })
  const isGone = (await storage.endpoints.get(TENANT, gone.id)) === null
  if (isGone) {
    expect(await claim()).toEqual([])
    expect(await settle(lease, delivered())).toBe('stale')
    const message = (await view(sent[0] as string)).messageId
    expect(
      await storage.add([{ messageId: message, deliveries: [{ id: world.id('dlv_'), endpointId: gone.id }] }]),
    ).toBe(0)
  } else {
    for (const id of sent) expect((await view(id)).state).toBe(id === lease.key ? 'sending' : 'pending')
  }
  await finish(world, gone, isGone)
  for (const id of sent) expect(await view(id)).toMatchObject({ state: 'cancelled', reason: 'endpoint_deleted' })
  expect(await storage.depth()).toMatchObject({ open: 0, due: 0 })
  await probe()
}
