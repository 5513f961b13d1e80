import { type NewEndpoint, newId, systemClock, systemRandom } from '@hooks/core'
import { postgresStorage } from '@hooks/postgres'
import { data } from '../request.ts'
import { openPlace } from './place.ts'

const ENDPOINTS = 100
const CLAIMS = 20
const LIMIT = 100
const DAY = 86_400_000

type BenchStorage = ReturnType<typeof postgresStorage>

/**
 * `pnpm bench --claim 1000000`: the pages that a claim of 100 touches with 10,000 deliveries due, and with as many due, as
 * many for later and as many held as are given. It takes minutes to fill the tables.
 */
export async function claimCosts(rows: number): Promise<string> {
  const small = await pagesOfClaim(10_000, 0)
  const large = await pagesOfClaim(rows, rows)
  if (small === undefined || large === undefined) return 'no PostgreSQL'
  const ratio = (large / small).toFixed(2)
  return `claim of ${LIMIT}: ${small.toFixed(0)} pages with 10,000 due; ${large.toFixed(0)} with ${rows} due, ${rows} for later and ${rows} held: ${ratio} times. Target: at most 2`
}

async function pagesOfClaim(due: number, others: number): Promise<number | undefined> {
  const place = await openPlace()
  if (!place) return undefined
  try {
    const storage = postgresStorage(place.pool, { migrate: true })
    await fill(storage, 'later', others)
    await putOff(storage)
    const held = await fill(storage, 'held', others)
    await storage.hold(held.map((endpointId) => ({ endpointId, forMs: Number.POSITIVE_INFINITY })))
    await fill(storage, 'due', due)
    await place.pool.query('vacuum analyze')
    const claim = () => storage.claim({ worker: 'bench', limit: LIMIT, leaseMs: DAY, cap: 1_000 })
    await claim()
    const before = await place.pages()
    let claimed = 0
    for (let n = 0; n < CLAIMS; n++) claimed += (await claim()).length
    const used = (await place.pages()) - before
    if (claimed !== CLAIMS * LIMIT) throw new Error(`${claimed} were claimed`)
    return used / CLAIMS
  } finally {
    await place.close()
  }
}

/** Has all that is due fail, and come again in a day. */
async function putOff(storage: BenchStorage): Promise<void> {
  const attempt = { ms: 1, status: 500, trigger: 'schedule' as const }
  for (;;) {
    const leases = await storage.claim({ worker: 'bench', limit: 1_000, leaseMs: 60_000, cap: 1_000 })
    if (leases.length === 0) return
    await storage.settle(
      leases.map(({ key, token }) => ({ key, token, result: 'retry' as const, retryInMs: DAY, attempt })),
    )
  }
}

/** Open deliveries of a tenant with a hundred endpoints. Returns the endpoints. */
async function fill(storage: BenchStorage, tenant: string, count: number): Promise<string[]> {
  const id = (prefix: string) => newId(prefix, systemClock, systemRandom)
  const endpoints = Array.from({ length: count > 0 ? ENDPOINTS : 0 }, () => newEndpoint(id('ep_'), tenant))
  for (const endpoint of endpoints) await storage.endpoints.create(endpoint, ENDPOINTS)
  for (let i = 0; i < count / ENDPOINTS; i += 20) {
    const messages = Array.from({ length: Math.min(20, count / ENDPOINTS - i) }, () => ({
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
        deliveries: endpoints.map((endpoint) => ({ id: id('dlv_'), endpointId: endpoint.id })),
      })),
    )
  }
  return endpoints.map((endpoint) => endpoint.id)
}

const newEndpoint = (id: string, tenant: string): NewEndpoint => ({
  id,
  tenant,
  url: 'https://example.com/hooks',
  filters: null,
  channels: null,
  state: 'enabled',
  reason: null,
  name: null,
  metadata: {},
  secrets: [],
  settings: {},
})
