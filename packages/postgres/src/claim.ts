import type { Deliveries, DeliveryLease, Endpoint, Lane } from '@hooks/core'
import type { Database } from './database.ts'
import { type LaneRow, laneOf } from './lanes.ts'
import { findMessages } from './messages.ts'
import { dateOf, type EndpointRow, endpointOf, type Numeric, triggerOf } from './rows.ts'
import { CLAIM } from './sql/claim.ts'
import type { Watermark } from './watermark.ts'

/** What {@link Deliveries.claim} is asked for, and the token that the claim gives out. */
export type Claim = Parameters<Deliveries['claim']>[0] & { readonly token: string }

interface Report {
  /** How many lanes were ready. */
  readonly seen: Numeric
  /** How many of them another had changed a moment before. */
  readonly raced: Numeric
  /** How many were not needed, as it seemed. */
  readonly spared: Numeric
  readonly low: Numeric
  /** How large the table is in which deliveries are claimed and settled. */
  readonly pages: Numeric
}

interface ClaimedRow extends EndpointRow, LaneRow {
  readonly key: string
  readonly tenant: string
  readonly message: string
  readonly week: Numeric
  readonly attempts: Numeric
  readonly claims: Numeric
  readonly step: Numeric
  readonly manual: Numeric
  readonly age: Numeric
  readonly variant: string | null
  /** Of a lane that is failing. */
  readonly ill: Numeric
}

/** How often a claim goes on where it found lanes that were ready and had nothing to give. */
const MOST_ROUNDS = 8
/** Lanes that are looked at together, where little is asked for: some may have nothing to give. */
const FEWEST_LANES = 4
/** Where tenants share, so many are looked at that several tenants are among them. */
const SHARED_LANES = 64
const NO_LIMIT = 2 ** 31 - 1

/** {@link Deliveries.claim}: a statement takes leases, and goes again while lanes are ready; a second one reads messages. */
export async function claim(db: Database, watermark: Watermark, options: Claim): Promise<DeliveryLease[]> {
  const { tenants, failing, failingLimit = NO_LIMIT } = options
  const claimed: ClaimedRow[] = []
  const found = new Map<string, { endpoint: Endpoint; lane: Lane }>()
  const running = new Map(Object.entries(tenants?.running ?? {}))
  let leftOfFailing = failingLimit
  for (let round = 0; round < MOST_ROUNDS && claimed.length < options.limit; round++) {
    const limit = options.limit - claimed.length
    const lanes = lanesFor(limit, options)
    let rows: readonly (Report & (ClaimedRow | { readonly key: null }))[]
    try {
      rows = await db.runOften(CLAIM, [
        String(limit),
        String(lanes),
        String(options.cap),
        watermark.from(),
        failing === undefined ? null : String(failing),
        String(options.leaseMs),
        options.token,
        options.worker,
        String(leftOfFailing),
        String(tenants?.most ?? NO_LIMIT),
        JSON.stringify(Object.fromEntries(running)),
      ])
    } catch (error) {
      // What was claimed before is.
      if (claimed.length > 0) break
      throw error
    }
    const [report] = rows
    if (!report) break
    db.sized(Number(report.pages))
    // A claim of one kind alone says nothing of the others.
    if (failing === undefined && leftOfFailing > 0 && Number(report.raced) === 0) watermark.raise(Number(report.low))
    for (const row of rows) {
      if (row.key === null) continue
      claimed.push(row)
      leftOfFailing -= Number(row.ill)
      running.set(row.tenant, (running.get(row.tenant) ?? 0) + 1)
      if (row.id !== null) found.set(row.endpoint, { endpoint: endpointOf(row), lane: laneOf(row) })
    }
    if (Number(report.seen) < lanes && Number(report.raced) === 0 && Number(report.spared) === 0) break
  }
  return leasesOf(db, claimed, found, options)
}

/**
 * How many lanes are looked at: twice as many as would be enough if each gave what it may have in flight. Where they give
 * less, the claim goes on.
 */
function lanesFor(limit: number, { cap, tenants }: Claim): number {
  if (tenants) return Math.max(limit, SHARED_LANES)
  return Math.max(FEWEST_LANES, Math.min(limit, Math.ceil((2 * limit) / Math.max(1, cap))))
}

async function leasesOf(
  db: Database,
  claimed: readonly ClaimedRow[],
  found: ReadonlyMap<string, { readonly endpoint: Endpoint; readonly lane: Lane }>,
  { token, leaseMs }: Claim,
): Promise<DeliveryLease[]> {
  if (claimed.length === 0) return []
  const refs = claimed.map(({ tenant, message, week }) => ({ tenant, id: message, week: Number(week) }))
  const messages = new Map((await findMessages(db, refs)).map((row) => [row.id, row]))
  return claimed.flatMap((row) => {
    const { endpoint, lane } = found.get(row.endpoint) ?? {}
    const message = messages.get(row.message)
    // Its lease runs out: what is gone by now is ended by whoever removed it.
    if (!endpoint || !lane || !message || message.data === null) return []
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
      variant: row.variant,
      lane,
    }
  })
}
