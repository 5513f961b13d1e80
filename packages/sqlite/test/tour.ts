import type { NewEndpoint, NewMessage, Selector, Storage } from '@hooks/core'

/** An endpoint with little in it. */
export const newEndpoint = (id: string, over: Partial<NewEndpoint> = {}): NewEndpoint => ({
  id,
  tenant: 'acme',
  url: 'https://example.com/hooks',
  filters: null,
  channels: null,
  state: 'enabled',
  reason: null,
  name: null,
  metadata: {},
  secrets: [],
  settings: {},
  ...over,
})

/** A message with little in it. */
export const newMessage = (id: string, over: Partial<NewMessage> = {}): NewMessage => ({
  id,
  type: 'booking.created',
  tenant: 'acme',
  occurredAt: new Date('2026-01-01T00:00:00Z'),
  data: '{}',
  ...over,
})

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
    await storage.revive(selector, 1)
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
  await storage.endpoints.remove('acme', 'e2')
}
