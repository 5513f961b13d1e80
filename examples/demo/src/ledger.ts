import { columns } from './columns.ts'

/** A message that is to be sent. The list of them is the truth that everything is held against. */
export interface Intent {
  /** The idempotency key of its send. */
  readonly key: string
  readonly product: string
  readonly type: string
  readonly occurredAt: Date
  /** Known once a send was acknowledged. */
  messageId?: string
}

/** An endpoint as its owner knows it. */
export interface Subscription {
  readonly id: string
  readonly product: string
  readonly kind: string
  readonly secret: string
}

/** What the sender's database says about a delivery. */
export interface DeliveryRow {
  readonly id: string
  readonly messageId: string
  readonly endpointId: string
  readonly state: string
  readonly attempts: number
  readonly nextAttemptAt: Date | null
}

/** What a handler of the receiver was given: by endpoint, the id that came over the wire. */
export interface Handled {
  readonly endpointId: string
  readonly id: string
}

/** What came of it all. */
export interface Ledger {
  /** Messages whose send was answered. */
  readonly sent: number
  /** Messages, times the endpoints of their product. */
  readonly deliveries: number
  /** Requests of which the sender knows how they ended. */
  readonly attempts: number
  /** Requests that the receiver recognised: it had handled the same before, and did not again. */
  readonly absorbed: number
  /** Of the deliveries, those that reached a handler. */
  readonly delivered: number
  readonly lost: number
  /** What reached a handler more than once. */
  readonly twice: number
  /** What reached a handler and was never meant to. */
  readonly unexpected: number
}

/** Holds what was handled against what was meant to be sent. */
export function settle(
  intents: readonly Intent[],
  endpoints: readonly Subscription[],
  deliveries: readonly DeliveryRow[],
  handled: readonly Handled[],
  duplicates: Readonly<Record<string, number>>,
): Ledger {
  // On the wire of some products is a delivery's id, on that of the others a message's.
  const messageOf = new Map(deliveries.map(({ id, messageId }) => [id, messageId]))
  const arrivals = new Map<string, number>()
  for (const { endpointId, id } of handled) {
    const arrival = `${endpointId} ${messageOf.get(id) ?? id}`
    arrivals.set(arrival, (arrivals.get(arrival) ?? 0) + 1)
  }

  const expected = intents.flatMap(({ key, product, messageId = key }) =>
    endpoints.filter((endpoint) => endpoint.product === product).map(({ id }) => `${id} ${messageId}`),
  )
  const delivered = expected.filter((arrival) => arrivals.has(arrival)).length
  const known = new Set(expected)
  return {
    sent: intents.filter(({ messageId }) => messageId !== undefined).length,
    deliveries: expected.length,
    attempts: deliveries.reduce((sum, { attempts }) => sum + attempts, 0),
    absorbed: Object.values(duplicates).reduce((sum, count) => sum + count, 0),
    delivered,
    lost: expected.length - delivered,
    twice: [...arrivals.values()].filter((times) => times > 1).length,
    unexpected: [...arrivals.keys()].filter((arrival) => !known.has(arrival)).length,
  }
}

/** Everything arrived, once, and nothing else did. */
export function balanced({ lost, twice, unexpected }: Ledger): boolean {
  return lost + twice + unexpected === 0
}

export function ledgerLines(ledger: Ledger): string[] {
  return columns([
    ['messages sent', ledger.sent],
    ['deliveries to make', ledger.deliveries],
    ['attempts', ledger.attempts],
    ['duplicates absorbed', ledger.absorbed],
    ['delivered', ledger.delivered],
    ['handled twice', ledger.twice],
    ['unexpected', ledger.unexpected],
    ['lost', ledger.lost],
  ])
}
