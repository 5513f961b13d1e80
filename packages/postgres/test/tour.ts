import type { NewEndpoint, NewMessage, Storage } from '@hooks/core'
import { newId, systemClock, systemRandom } from '@hooks/core'
import { plainEndpoint, plainMessage } from '@hooks/sender/testing'

/** A new id of our make. */
export const id = (prefix: string): string => newId(prefix, systemClock, systemRandom)

const secrets = [{ keyId: null, sealed: 'whsec_c2VjcmV0', signsUntil: null }]
export const newEndpoint = (over: Partial<NewEndpoint> = {}) => plainEndpoint(id('ep_'), { secrets, ...over })

export const newMessage = (over: Partial<NewMessage> = {}) =>
  plainMessage(id('msg_'), { occurredAt: systemClock.now(), data: '{"n":1}', ...over })

export const delivered = {
  result: 'delivered',
  attempt: { ms: 12, status: 200, trigger: 'schedule' },
} as const

/** Sends a message to endpoints. Returns the deliveries' ids. */
export async function send(storage: Storage, to: readonly string[], over: Partial<NewMessage> = {}): Promise<string[]> {
  const message = newMessage(over)
  await storage.put([message])
  const deliveries = to.map((endpointId) => ({ id: id('dlv_'), endpointId }))
  await storage.expand([{ messageId: message.id, deliveries }])
  return deliveries.map((delivery) => delivery.id)
}

/** What a sender does all the time: everything that must not depend on how much there is. */
export async function hotPath(storage: Storage): Promise<void> {
  const [a, b] = [newEndpoint(), newEndpoint()]
  for (const endpoint of [a, b]) await storage.endpoints.create(endpoint, 1_000_000)
  await storage.endpoints.get('acme', a.id)
  await storage.endpoints.forTenants(['acme'])
  await storage.put([newMessage({ idempotencyKey: id('key_'), idempotencyKeepMs: 60_000 }), newMessage()])
  const marked = await storage.unexpanded(10)
  await storage.expand(
    marked.map((message) => ({ messageId: message.id, deliveries: [{ id: id('dlv_'), endpointId: a.id }] })),
  )
  const sent = await send(storage, [a.id, b.id], { orderingKey: 'k', orderingWaitMs: 1_000 })
  await storage.nextDueInMs()
  const leases = await storage.claim({
    worker: 'w',
    limit: 50,
    leaseMs: 60_000,
    cap: 4,
    failingLimit: 10,
    tenants: { most: 20, running: { acme: 1 } },
  })
  await storage.release(leases.slice(0, 1).map(({ key, token }) => ({ key, token })))
  await storage.settle(leases.slice(1).map(({ key, token }) => ({ key, token, ...delivered })))
  await storage.hold([{ endpointId: a.id, forMs: 1_000, failing: true }])
  await storage.lanes([a.id, b.id])
  const [one] = sent
  if (one !== undefined) {
    await storage.history.delivery('acme', one)
    await storage.history.attempts('acme', one)
  }
  await storage.history.message('acme', marked[0]?.id ?? '')
  await storage.jobs.claim({ worker: 'w', limit: 5, leaseMs: 60_000 })
  await storage.jobs.nextDueInMs()
}

/** What people do, one at a time. */
export async function byHand(storage: Storage): Promise<void> {
  const endpoint = newEndpoint()
  await storage.endpoints.create(endpoint, 1_000_000)
  const [sent] = (await send(storage, [endpoint.id])) as [string]
  await storage.endpoints.list('acme', { limit: 10 })
  await storage.history.deliveries({ tenant: 'acme', endpoint: endpoint.id }, { limit: 10 })
  await storage.history.deliveries({ tenant: 'acme' }, { limit: 10 })
  await storage.history.messages({ tenant: 'acme' }, { limit: 10 })
  await storage.retire({ tenant: 'acme', delivery: sent }, { state: 'cancelled', reason: 'by_hand' }, 10)
  await storage.revive({ tenant: 'acme', delivery: sent }, 10)
  const { rev } = (await storage.endpoints.get('acme', endpoint.id)) as { rev: number }
  await storage.endpoints.update({ ...endpoint, settings: { perSecond: 5 } }, rev)
  await storage.endpoints.remove('acme', endpoint.id)
  const job = { id: id('job_'), tenant: 'acme', kind: 'recover', params: {} }
  await storage.jobs.create(job)
  await storage.jobs.cancel('acme', job.id)
}
