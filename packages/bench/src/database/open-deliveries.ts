import { newId, systemClock, systemRandom } from '@hooks/core'
import type { postgresStorage } from '@hooks/postgres'
import { plainEndpoint } from '@hooks/sender/testing'
import { data } from '../request.ts'

/** The storage by itself, without a sender: what is asked of it is then the same in each run. */
export type BenchStorage = ReturnType<typeof postgresStorage>

const ENDPOINTS = 100
const DAY = 86_400_000

/** Puts open deliveries to a hundred endpoints of a tenant. Resolves to the endpoints. */
export async function fillOpen(storage: BenchStorage, tenant: string, count: number): Promise<string[]> {
  const endpoints = Array.from({ length: count > 0 ? ENDPOINTS : 0 }, () => newEndpoint(tenant))
  for (const endpoint of endpoints) await storage.endpoints.create(endpoint, ENDPOINTS)
  const ids = endpoints.map((endpoint) => endpoint.id)
  for (let i = 0; i < count / ENDPOINTS; i += 20)
    await sendToAll(storage, tenant, ids, Math.min(20, count / ENDPOINTS - i))
  return ids
}

/** Sends messages, and makes a delivery of each for each endpoint. */
export async function sendToAll(storage: BenchStorage, tenant: string, endpoints: readonly string[], count: number) {
  const messages = Array.from({ length: count }, () => ({
    id: id('msg_'),
    type: 'order.paid',
    tenant,
    occurredAt: systemClock.now(),
    data: JSON.stringify(data),
  }))
  await storage.put(messages)
  await storage.expand(
    messages.map((message) => ({
      messageId: message.id,
      deliveries: endpoints.map((endpointId) => ({ id: id('dlv_'), endpointId })),
    })),
  )
}

/** Has all that is due fail, and come again in a day. */
export async function putOff(storage: BenchStorage): Promise<void> {
  const attempt = { ms: 1, status: 500, trigger: 'schedule' as const }
  for (;;) {
    const leases = await storage.claim({ worker: 'bench', limit: 1_000, leaseMs: 60_000, cap: 1_000 })
    if (leases.length === 0) return
    await storage.settle(
      leases.map(({ key, token }) => ({ key, token, result: 'retry' as const, retryInMs: DAY, attempt })),
    )
  }
}

const id = (prefix: string) => newId(prefix, systemClock, systemRandom)

/** An endpoint of a tenant, with nothing in its way. */
export const newEndpoint = (tenant: string) => plainEndpoint(id('ep_'), { tenant })

const DELIVERED = { result: 'delivered' as const, attempt: { ms: 1, status: 204, trigger: 'schedule' as const } }

/** Claims as a worker with nothing in flight does, by the default caps, and settles all of it, so many times. */
export async function deliverRounds(storage: BenchStorage, rounds: number, limit: number): Promise<void> {
  for (let n = 0; n < rounds; n++) {
    const leases = await storage.claim({ worker: 'bench', limit, leaseMs: 60_000, cap: 4 })
    if (leases.length !== limit) throw new Error(`${leases.length} of ${limit} were claimed`)
    await storage.settle(leases.map(({ key, token }) => ({ key, token, ...DELIVERED })))
  }
}
