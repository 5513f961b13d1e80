import { kinds } from './endpoints.ts'
import { listen } from './http-port.ts'
import type { DeliveryRow, Intent, Subscription } from './ledger.ts'
import { TENANT } from './products.ts'
import { serve } from './remote.ts'
import { openSenders, type ProductSender } from './senders.ts'

const [, , file = 'webhooks.sqlite'] = process.argv
const senders = openSenders(file)

/** What the conductor asks of this process. */
export const api = {
  /** Once this process has begun. */
  ready() {},

  start() {
    for (const { hooks } of senders) hooks.start()
  },

  /** For each product one endpoint of each kind. Its secret is in this answer, and in no later one. */
  async createEndpoints(receiverUrl: string): Promise<Subscription[]> {
    const created: Subscription[] = []
    for (const { name: product, hooks, secret: chosen } of senders) {
      for (const { name: kind } of kinds) {
        const url = `${receiverUrl}/${product}/${kind}`
        const { id, secret } = await hooks.endpoints.create(TENANT, { url, ...(chosen && { secret: chosen }) })
        created.push({ id, product, kind, secret })
      }
    }
    return created
  },

  async send({
    product,
    type,
    occurredAt,
    key,
  }: Intent): Promise<{ readonly id: string; readonly duplicate: boolean }> {
    const sender = senders.find(({ name }) => name === product)
    const event = sender?.printed.find((printed) => printed.type === type)
    if (!sender || !event) throw new Error(`${product} prints no ${type}`)
    return sender.hooks.send(type, event.data, { tenant: TENANT, occurredAt, idempotencyKey: key })
  },

  /** All deliveries, and whether nothing is left to do. */
  async report(): Promise<{ readonly deliveries: DeliveryRow[]; readonly idle: boolean }> {
    const depths = await Promise.all(senders.map(({ hooks }) => hooks.health()))
    const idle = depths.every(({ unexpanded, open, inFlight }) => unexpanded + open + inFlight === 0)
    return { idle, deliveries: (await Promise.all(senders.map(deliveriesOf))).flat() }
  },

  /** A port for curl. */
  listen: () => listen(senders),

  async stop(): Promise<void> {
    await Promise.all(senders.map((sender) => sender.close()))
  },
}

async function deliveriesOf({ hooks }: ProductSender): Promise<DeliveryRow[]> {
  const rows: DeliveryRow[] = []
  let cursor: string | undefined
  do {
    const page = await hooks.deliveries.list(TENANT, { limit: 250, ...(cursor && { cursor }) })
    for (const { id, messageId, endpointId, state, attempts, nextAttemptAt } of page.data) {
      rows.push({ id, messageId, endpointId, state, attempts, nextAttemptAt })
    }
    cursor = page.next
  } while (cursor)
  return rows
}

serve(api)
