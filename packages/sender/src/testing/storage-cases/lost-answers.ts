import { defineContract, defineEvents, type Endpoints, type Storage, StorageError, silentLogger } from '@hooks/core'
import { createSender } from '../../sender.ts'
import { promise, type StorageCase, TENANT } from './world.ts'

/** LOST ANSWERS: what the storage has done though its caller was told of a fault, seen from the sender above it. */
export const lostAnswerCases: readonly StorageCase[] = [
  promise('a sender tells of a change whose answer was lost', async ({ storage, expect }) => {
    const hooks = createSender({
      contract: defineContract({ events: defineEvents({ tick: {} }) }),
      storage: losingFirstAnswers(storage),
      logger: silentLogger,
      transport: {
        send: async () => ({ status: 410, headers: {}, body: new Uint8Array(), truncated: false, ms: 1, sent: true }),
      },
    })
    const told: unknown[] = []
    hooks.on('endpoint.disabled', ({ endpointId, reason }) => void told.push([endpointId, 'disabled', reason]))
    hooks.on('endpoint.enabled', ({ endpointId, by }) => void told.push([endpointId, 'enabled', by]))
    const { id } = await hooks.endpoints.create(TENANT, { url: 'https://acme.example/webhooks' })
    await hooks.send('tick', {}, { tenant: TENANT })
    await hooks.drain({ maxMs: 20_000 })
    expect(await hooks.endpoints.get(TENANT, id)).toMatchObject({ enabled: false, reason: 'gone', rev: 2 })
    expect(told).toEqual([[id, 'disabled', 'gone']])
    expect(await hooks.endpoints.enable(TENANT, id)).toMatchObject({ enabled: true, reason: null, rev: 3 })
    await hooks.endpoints.disable(TENANT, id)
    expect(await hooks.endpoints.update(TENANT, id, { enabled: true })).toMatchObject({ enabled: true, rev: 5 })
    const enabled = [id, 'enabled', 'hand']
    expect(told).toEqual([[id, 'disabled', 'gone'], enabled, enabled])
    await hooks.stop()
  }),

  promise('a sender makes a change with a revision once, though its answer was lost', async ({ storage, expect }) => {
    const hooks = createSender({
      contract: defineContract({ events: defineEvents({ tick: {} }) }),
      storage: losingFirstAnswers(storage),
      logger: silentLogger,
    })
    const { id, rev } = await hooks.endpoints.create(TENANT, { url: 'https://acme.example/webhooks' })
    const input = { name: 'Main', metadata: { b: '1', a: '2' }, headers: { 'x-a': 'b' }, filter: { n: { $gt: 1.5 } } }
    expect(await hooks.endpoints.update(TENANT, id, input, { rev })).toMatchObject({ name: 'Main', rev: rev + 1 })
    await hooks.stop()
  }),
]

/** The answer to every change of an endpoint is lost at first, after it was made. */
function losingFirstAnswers(storage: Storage): Storage {
  const made = new Set<string>()
  const update: Endpoints<unknown>['update'] = async (endpoint, rev, tx) => {
    const applied = await storage.endpoints.update(endpoint, rev, tx)
    const change = `${endpoint.id} ${rev}`
    if (made.has(change)) return applied
    made.add(change)
    throw new StorageError('storage_unavailable', 'the answer is lost')
  }
  const endpoints = new Proxy(storage.endpoints, {
    get: (target, key) => (key === 'update' ? update : Reflect.get(target, key)),
  })
  return new Proxy(storage, { get: (target, key) => (key === 'endpoints' ? endpoints : Reflect.get(target, key)) })
}
