import { isHooksError, type Storage } from '@hooks/core'
import { delivered, idsOf, keysOf, promise, type StorageCase, TENANT } from './world.ts'

/** The code of the error that `call` throws or rejects with; undefined where it succeeds. */
async function codeOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    return isHooksError(error) ? error.code : `not one of ours: ${String(error)}`
  }
}

const calls = (storage: Storage): readonly (() => unknown)[] => [
  () => storage.put([]),
  () => storage.unexpanded(1),
  () => storage.expand([]),
  () => storage.claim({ worker: 'w1', limit: 1, leaseMs: 1_000, cap: 1 }),
  () => storage.settle([]),
  () => storage.nextDueInMs(),
  () => storage.depth(),
  () => storage.endpoints.get(TENANT, 'ep_1'),
  () => storage.history.delivery(TENANT, 'dlv_1'),
]

/** OPS: schema, closing, several connections. */
export const operationCases: readonly StorageCase[] = [
  promise('a migrated storage has the version that is expected of it', async ({ storage, expect }) => {
    const { version, expected, installation } = await storage.schema.check()
    expect(version).toBe(expected)
    expect(installation.length).toBeGreaterThan(0)
    expect((await storage.schema.check()).installation).toBe(installation)
  }),

  promise('migrations come in order, and end at the expected version', async ({ storage, expect }) => {
    const { expected } = await storage.schema.check()
    const all = storage.schema.migrations()
    const ids = all.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    if (all.length > 0) expect(ids.at(-1)).toBe(expected)
    expect(storage.schema.migrations(expected)).toEqual([])
    expect(all.every(({ sql }) => sql.length > 0)).toBe(true)
  }),

  promise(
    'migrating again, by several at once, changes nothing',
    async ({ storage, worker, endpoint, send, claim, expect }) => {
      const ids = await send([await endpoint()], 2)
      // Makes what has become missing with time.
      await storage.schema.migrate()
      const before = await storage.schema.check()
      await Promise.all([0, 1, 2, 3].map((n) => worker(n).schema.migrate()))
      expect(await storage.schema.check()).toEqual(before)
      expect(keysOf(await claim())).toEqual(ids)
    },
  ),

  promise(
    'two connections to the same data know that it is the same',
    async ({ storage, second, expect }) => {
      expect(await second().schema.check()).toEqual(await storage.schema.check())
    },
    'second connection',
  ),

  promise('closing twice is closing once, and a closed storage says so', async ({ storage, expect }) => {
    await storage.close()
    await storage.close()
    for (const call of calls(storage)) expect(await codeOf(call)).toBe('storage_closed')
  }),

  promise(
    'closing one connection leaves the other at work',
    async ({ storage, second, endpoint, send, claimOne, settle, expect }) => {
      await send([await endpoint()])
      const lease = await claimOne()
      await storage.close()
      expect(await settle(lease, delivered(), second())).toBe('applied')
    },
    'second connection',
  ),

  promise(
    'claims, settlements, sends, expansions and changes at once lose nothing',
    async ({ storage, worker, endpoints, newMessage, id, pass, claim, change, expect }) => {
      const to = await endpoints(5)
      const sent: string[] = []
      const ended: string[] = []
      const produce = async (by: Storage) => {
        for (let i = 0; i < 20; i++) {
          const messages = [newMessage(), newMessage()]
          await by.put(messages)
          sent.push(...idsOf(messages))
        }
      }
      const expand = async (by: Storage) => {
        for (let i = 0; i < 30; i++)
          await by.expand(
            (await by.unexpanded(5)).map((message) => ({
              messageId: message.id,
              deliveries: to.map((endpoint) => ({ id: id('dlv_'), endpointId: endpoint.id })),
            })),
          )
      }
      const work = async (by: Storage) => {
        for (let i = 0; i < 40; i++) {
          const leases = await claim({ limit: 10, cap: 4 }, by)
          const [released, ...settled] = leases
          if (released) await by.release([released])
          const applied = await by.settle(settled.map(({ key, token }) => ({ key, token, ...delivered() })))
          ended.push(...settled.filter((_, n) => applied[n] === 'applied').map(({ key }) => key))
        }
      }
      const meddle = async (by: Storage) => {
        for (const [i, endpoint] of to.entries()) {
          await by.hold([{ endpointId: endpoint.id, forMs: 1_000, cap: i % 2 ? 2 : null, failing: i % 2 === 0 }])
          await change(TENANT, endpoint.id, { name: `name ${i}` })
          await by.depth()
          await by.history.prune({ payloadsBefore: new Date(0), historyBefore: new Date(0) }, 10)
        }
      }
      await Promise.all([
        produce(worker(0)),
        produce(worker(1)),
        expand(worker(0)),
        expand(worker(1)),
        work(worker(0)),
        work(worker(1)),
        meddle(worker(1)),
      ])
      await pass(1_000)
      while ((await storage.unexpanded(1)).length > 0) await expand(storage)
      while ((await storage.nextDueInMs()) === 0) {
        const leases = await claim()
        await storage.settle(leases.map(({ key, token }) => ({ key, token, ...delivered() })))
        ended.push(...keysOf(leases))
      }
      expect([sent.length, ended.length, new Set(ended).size]).toEqual([80, 400, 400])
      expect(await storage.depth()).toMatchObject({ unexpanded: 0, due: 0, open: 0 })
      expect(await storage.history.stats({ tenant: TENANT })).toMatchObject({
        delivered: 400,
        pending: 0,
        retrying: 0,
        sending: 0,
      })
    },
  ),
]
