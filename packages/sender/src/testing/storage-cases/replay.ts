import type { NewMessage } from '@hooks/core'
import { delivered, idsOf, keysOf, promise, type StorageCase, TENANT } from './world.ts'

/** Deliveries that are made later, for messages that were expanded before. */
export const replayCases: readonly StorageCase[] = [
  promise(
    'the messages that an endpoint has no delivery of are found, oldest first, page by page',
    async ({ storage, endpoint, send, put, clock, pass, expect }) => {
      const early = await endpoint()
      await send([early])
      await pass(1_000)
      const since = clock.now()
      await send([early], 3)
      await send([early], 2, { type: 'booking.cancelled' })
      const late = await endpoint()
      await send([early, late], 1)
      await put(1)
      const missing = { tenant: TENANT, endpoint: late.id, since, types: ['booking.created'] }
      const expected = (
        await storage.history.messages({ tenant: TENANT, types: ['booking.created'] }, { limit: 100 })
      ).data
        .filter(({ expanded }) => expanded)
        .map(({ id }) => id)
        .reverse()
        .slice(1, 4)
      const page = await storage.history.undelivered(missing, { limit: 2, total: true })
      expect(idsOf(page.data)).toEqual(expected.slice(0, 2))
      expect(page.total).toBe(3)
      const rest = await storage.history.undelivered(missing, { limit: 2, cursor: page.next ?? '' })
      expect(idsOf(rest.data)).toEqual(expected.slice(2))
      expect(rest.next).toBe(undefined)
      expect((await storage.history.undelivered({ tenant: 'globex', endpoint: late.id }, { limit: 9 })).data).toEqual(
        [],
      )
      expect((await storage.history.undelivered({ tenant: TENANT, endpoint: early.id }, { limit: 9 })).data).toEqual([])
    },
    'replay',
    'injected clock',
    'pages',
  ),

  promise(
    'a delivery is added once, whoever adds it, and is due at once, by hand',
    async ({ storage, endpoint, send, id, worker, claimOne, settle, view, expect }) => {
      await send([await endpoint()])
      await settle(await claimOne(), delivered())
      const late = await endpoint()
      const [message] = (await storage.history.undelivered({ tenant: TENANT, endpoint: late.id }, { limit: 1 })).data
      const add = () => [
        { messageId: message?.id ?? '', deliveries: [{ id: id('dlv_'), endpointId: late.id, variant: 'thin' }] },
      ]
      const added = await Promise.all([worker(0).add([...add(), ...add()]), worker(1).add(add()), worker(0).add(add())])
      expect(added.reduce((sum, one) => sum + one, 0)).toBe(1)
      const lease = await claimOne()
      expect(lease).toMatchObject({
        trigger: 'manual',
        variant: 'thin',
        endpoint: { id: late.id },
        delivery: { message: { id: message?.id, data: message?.data } },
      })
      expect(await view(lease.key)).toMatchObject({ attempts: 0 })
      await settle(lease, delivered())
    },
    'replay',
  ),

  promise(
    'nothing is added for messages that are expired, not expanded or of others, nor to endpoints that are disabled or gone',
    async ({ storage, endpoint, send, put, id, claim, settle, expect }) => {
      const first = await endpoint()
      await send([first])
      const [pruned] = (await storage.history.messages({ tenant: TENANT }, { limit: 1 })).data
      for (const lease of await claim()) await settle(lease, delivered())
      await storage.history.prune({ payloadsBefore: new Date(8_640_000_000_000_000) }, 10)
      await send([first])
      const [kept] = (await storage.history.messages({ tenant: TENANT }, { limit: 1 })).data
      const [marked] = (await put()) as [NewMessage]
      const to = await endpoint()
      const disabled = await endpoint({ state: 'disabled' })
      const foreign = await endpoint({ tenant: 'globex' })
      const one = (messageId: string, endpointId: string) => ({
        messageId,
        deliveries: [{ id: id('dlv_'), endpointId }],
      })
      const { id: keptId } = kept as { id: string }
      expect(
        await storage.add([
          one((pruned as { id: string }).id, to.id),
          one(marked.id, to.id),
          one(keptId, disabled.id),
          one(keptId, foreign.id),
          one(keptId, id('ep_')),
          one(id('msg_'), to.id),
          one(keptId, first.id),
        ]),
      ).toBe(0)
      expect(await storage.add([one(keptId, to.id)])).toBe(1)
      expect(await storage.add([])).toBe(0)
    },
    'replay',
  ),

  promise(
    'a dry run of a resend counts, and changes nothing',
    async ({ storage, endpoint, send, claim, settle, view, expect }) => {
      const to = await endpoint()
      const ids = await send([to], 3)
      const leases = await claim({ limit: 2 })
      for (const lease of leases.slice(0, 1)) await settle(lease, delivered())
      const all = { tenant: TENANT, endpoint: to.id }
      const dry = await storage.revive(all, 2, undefined, true)
      expect(dry).toEqual({ revived: 1, inFlight: 1, expired: 0, blocked: 0, next: ids[1] })
      expect(await view(ids[0] as string)).toMatchObject({ state: 'delivered' })
      expect(keysOf(await claim())).toEqual([ids[2]])
    },
    'replay',
  ),

  promise(
    'a delivery keeps how its body is composed, from lease to lease and over a resend, and says so while it is open and afterwards',
    async ({ storage, endpoint, put, id, claimOne, settle, view, expect }) => {
      const to = await endpoint()
      const [message] = (await put()) as [NewMessage]
      const deliveryId = id('dlv_')
      await storage.expand([
        { messageId: message.id, deliveries: [{ id: deliveryId, endpointId: to.id, variant: 'thin' }] },
      ])
      const lease = await claimOne()
      expect(lease.variant).toBe('thin')
      expect((await view(deliveryId)).variant).toBe('thin')
      await settle(lease, delivered())
      expect((await view(deliveryId)).variant).toBe('thin')
      await storage.revive({ tenant: TENANT, delivery: deliveryId }, 1)
      expect((await claimOne()).variant).toBe('thin')
    },
    'replay',
  ),
]
