import type { ClaimOptions, DeliveryLease, Endpoint } from '@hooks/core'
import type { Database } from './database.ts'
import { findMessages } from './messages.ts'
import { dateOf, type EndpointRow, endpointOf, type Numeric, triggerOf } from './rows.ts'
import { CLAIM } from './sql/claim.ts'
import type { Watermark } from './watermark.ts'

/** What {@link Deliveries.claim} is asked for, and the token that the claim gives out. */
export interface Claim extends ClaimOptions {
  readonly cap: number
  readonly failing?: boolean
  readonly token: string
}

interface Report {
  /** How many lanes were ready. */
  readonly seen: Numeric
  /** How many of them another had changed a moment before. */
  readonly raced: Numeric
  readonly low: Numeric
}

interface ClaimedRow extends EndpointRow {
  readonly key: string
  readonly endpoint: string
  readonly tenant: string
  readonly message: string
  readonly week: Numeric
  readonly attempts: Numeric
  readonly claims: Numeric
  readonly step: Numeric
  readonly manual: Numeric
  readonly age: Numeric
}

/** How often a claim goes on where it found lanes that were ready and had nothing to give. */
const MOST_ROUNDS = 8
/** Lanes that are looked at together, where little is asked for: some may have nothing to give. */
const FEWEST_LANES = 4

/** {@link Deliveries.claim}: a statement takes leases, and goes again while lanes are ready; a second one reads messages. */
export async function claim(db: Database, watermark: Watermark, options: Claim): Promise<DeliveryLease[]> {
  const claimed: ClaimedRow[] = []
  const endpoints = new Map<string, Endpoint>()
  for (let round = 0; round < MOST_ROUNDS && claimed.length < options.limit; round++) {
    const limit = options.limit - claimed.length
    const lanes = Math.max(limit, FEWEST_LANES)
    let rows: readonly (Report & (ClaimedRow | { readonly key: null }))[]
    try {
      rows = await db.run(CLAIM, [
        String(limit),
        String(lanes),
        String(options.cap),
        watermark.from(),
        options.failing === undefined ? null : String(options.failing),
        String(options.leaseMs),
        options.token,
        options.worker,
      ])
    } catch (error) {
      // What was claimed before is.
      if (claimed.length > 0) break
      throw error
    }
    const [report] = rows
    if (!report) break
    // A claim of one kind alone says nothing of the others.
    if (options.failing === undefined && Number(report.raced) === 0) watermark.raise(Number(report.low))
    for (const row of rows) {
      if (row.key === null) continue
      claimed.push(row)
      if (row.id !== null) endpoints.set(row.endpoint, endpointOf(row))
    }
    if (Number(report.seen) < lanes && Number(report.raced) === 0) break
  }
  return leasesOf(db, claimed, endpoints, options)
}

/** What is not kept yet. */
const WELL = {
  heldForMs: 0,
  paused: false,
  probing: false,
  failing: false,
  cap: null,
  failures: 0,
  exhausted: 0,
  firstFailureAt: null,
  lastFailureAt: null,
  warned: 0,
}

async function leasesOf(
  db: Database,
  claimed: readonly ClaimedRow[],
  endpoints: ReadonlyMap<string, Endpoint>,
  { token, leaseMs }: Claim,
): Promise<DeliveryLease[]> {
  if (claimed.length === 0) return []
  const refs = claimed.map(({ tenant, message, week }) => ({ tenant, id: message, week: Number(week) }))
  const messages = new Map((await findMessages(db, refs)).map((row) => [row.id, row]))
  return claimed.flatMap((row) => {
    const endpoint = endpoints.get(row.endpoint)
    const message = messages.get(row.message)
    // Its lease runs out: what is gone by now is ended by whoever removed it.
    if (!endpoint || !message || message.data === null) return []
    return {
      key: row.key,
      token,
      attempt: Number(row.attempts) + 1,
      claims: Number(row.claims),
      leaseLeftMs: leaseMs,
      delivery: {
        message: {
          id: message.id,
          type: message.type,
          occurredAt: dateOf(message.occurred),
          tenant: message.tenant,
          data: message.data,
        },
        endpoint: { id: endpoint.id, url: endpoint.url },
        delivery: { id: row.key },
      },
      endpoint,
      step: Number(row.step),
      ageMs: Number(row.age),
      trigger: triggerOf(row.manual),
      variant: null,
      lane: { ...WELL, endpointId: endpoint.id },
    }
  })
}
