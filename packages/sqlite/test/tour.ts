import type { Selector, Storage } from '@hooks/core'
import { plainEndpoint as newEndpoint, plainMessage as newMessage } from '@hooks/sender/testing'

export { newEndpoint, newMessage }

/** What a success reports. */
export const delivered = { result: 'delivered', attempt: { ms: 1, status: 200, trigger: 'schedule' } } as const

/** Puts messages `m1` to `m<count>` and expands each to the endpoint, as deliveries `d1` to `d<count>`. */
export async function send(storage: Storage, endpointId: string, count: number, from = 1): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => String(from + i).padStart(6, '0'))
  await storage.put(numbers.map((n) => newMessage(`m${n}`)))
  await storage.expand(numbers.map((n) => ({ messageId: `m${n}`, deliveries: [{ id: `d${n}`, endpointId }] })))
}

/** What {@link tour} selects by. */
export const SELECTORS: readonly Selector[] = [
  { tenant: 'acme' },
  { tenant: 'acme', endpoint: 'e1' },
  { tenant: 'acme', message: 'm000001' },
  { tenant: 'acme', delivery: 'd000001' },
  { tenant: 'acme', endpoint: 'e1', message: 'm000001' },
  {
    tenant: 'acme',
    endpoint: 'e1',
    states: ['failed'],
    types: ['booking.created'],
    since: new Date(0),
    until: new Date(1),
  },
]

/** Calls everything that a storage has, so that every statement is prepared. */
export async function tour(storage: Storage): Promise<void> {
  await storage.endpoints.create(newEndpoint('e1'), 10)
  await storage.endpoints.create(newEndpoint('e2'), 10)
  await storage.put([newMessage('m000000', { idempotencyKey: 'k' })])
  await send(storage, 'e1', 8)
  await storage.unexpanded(10)
  await storage.hold([{ endpointId: 'e1', cap: 4 }])
  const [a, b, c, d] = await storage.claim({ worker: 'w', limit: 4, leaseMs: 0, cap: 4 })
  await storage.claim({ worker: 'w', limit: 4, leaseMs: 60_000, cap: 4 })
  if (a) await storage.release([a])
  if (b && c && d) {
    const attempt = { ms: 1, status: 500, trigger: 'schedule' } as const
    await storage.settle([
      { ...b, result: 'retry', retryInMs: 1_000, attempt },
      { ...c, result: 'failed', reason: 'exhausted', attempt },
      { ...d, ...delivered },
    ])
  }
  await storage.nextDueInMs()
  await storage.depth()
  for (const selector of SELECTORS) {
    await storage.history.messages(selector, { limit: 2 })
    await storage.history.messages(selector, { limit: 2, cursor: 'm' })
    await storage.history.deliveries(selector, { limit: 2 })
    await storage.history.deliveries(selector, { limit: 2, cursor: 'd' })
    await storage.history.stats(selector)
    await storage.revive(selector, 1, undefined, true)
    await storage.revive(selector, 1)
    await storage.history.deliveries(selector, { limit: 1, offset: 1, total: true })
    await storage.history.messages(selector, { limit: 1, offset: 1, total: true })
    await storage.history.undelivered({ endpoint: 'e2', ...selector }, { limit: 1, cursor: 'd', total: true })
    await storage.retire(selector, { state: 'cancelled', reason: 'test' }, 1)
  }
  await storage.history.message('acme', 'm000001')
  await storage.history.delivery('acme', 'd000001')
  await storage.history.attempts('acme', 'd000001')
  await storage.history.prune({ payloadsBefore: new Date(), historyBefore: new Date() }, 1)
  const endpoint = await storage.endpoints.get('acme', 'e1')
  if (endpoint) await storage.endpoints.update({ ...endpoint, state: 'disabled' }, endpoint.rev)
  await storage.endpoints.list('acme', { limit: 1 })
  await storage.endpoints.forTenants(['acme'])
  await storage.endpoints.list(null, { limit: 1, cursor: 'd' }, { state: 'enabled' })
  await storage.endpoints.create(newEndpoint('e3', { settings: { perSecond: 1 } }), 10)
  await sendInOrder(storage, 'e3')
  await storage.add([{ messageId: 'm000001', deliveries: [{ id: 'added', endpointId: 'e3' }] }])
  await storage.claim({ worker: 'w', limit: 4, leaseMs: 0, cap: 4, failingLimit: 1, tenants: { most: 1, running: {} } })
  await storage.lanes(['e3'])
  await tourOfJobs(storage)
  await storage.endpoints.remove('acme', 'e2')
  await storage.history.expunge({ tenant: 'acme', message: 'm000002' }, 10)
  for (let more = true; more; ) ({ more } = await storage.history.expunge({ tenant: 'acme' }, 10))
}

/** Two messages of one order, of which the second does not wait for long. */
async function sendInOrder(storage: Storage, endpointId: string): Promise<void> {
  const order = { orderingKey: 'k', orderingWaitMs: 0 }
  await storage.put([newMessage('o1', order), newMessage('o2', order)])
  await storage.expand(['o1', 'o2'].map((id) => ({ messageId: id, deliveries: [{ id: `d-${id}`, endpointId }] })))
  await storage.claim({ worker: 'w', limit: 1, leaseMs: 0, cap: 4 })
  await storage.claim({ worker: 'w', limit: 1, leaseMs: 0, cap: 4 })
}

async function tourOfJobs({ jobs }: Storage): Promise<void> {
  for (const id of ['j1', 'j2', 'j3']) await jobs.create({ id, tenant: 'acme', kind: 'test', params: {} })
  const [a, b, c] = await jobs.claim({ worker: 'w', limit: 3, leaseMs: 1_000 })
  if (a && b && c) {
    await jobs.settle([
      { ...a, result: 'continue', retryInMs: 0, cursor: null, progress: {} },
      { ...b, result: 'done', progress: {} },
    ])
    await jobs.release([c])
  }
  await jobs.nextDueInMs()
  await jobs.get('acme', 'j1')
  await jobs.list('acme', { limit: 1, cursor: 'k', total: true })
  await jobs.cancel('acme', 'j1')
}
