import type { Deliveries, DeliveryLease, Endpoint, Lane } from '@hooks/core'
import type { Database } from './database.ts'
import { type LaneRow, laneOf } from './lanes.ts'
import { dateOf, type EndpointRow, endpointOf, type Numeric, triggerOf } from './rows.ts'
import { CLAIM } from './sql/claim.ts'
import type { Watermark } from './watermark.ts'

/** What {@link Deliveries.claim} is asked for, and the token that the claim gives out. */
export type Claim = Parameters<Deliveries['claim']>[0] & { readonly token: string }

/** How many lanes were ready, how many of them were not needed, as it seemed, and from when on one was, in s. */
type Report = readonly [seen: number, spared: number, low: number]

interface ClaimedRow {
  readonly key: string
  readonly endpoint: string
  readonly message: string
  readonly type: string
  readonly occurred: Numeric
  /** Null where it is gone. */
  readonly data: string | null
  readonly attempts: Numeric
  readonly claims: Numeric
  readonly step: Numeric
  readonly manual: Numeric
  readonly age: Numeric
  readonly variant: string | null
  /** Its endpoint and lane, as JSON: with the first of them alone. */
  readonly head: string | null
}

/** The first row has a report, and nothing else where nothing was claimed. */
type Row = { readonly report: string | null } & (ClaimedRow | { readonly key: null })

/** How often a claim goes on where it found lanes that were ready and had nothing to give. */
const MOST_ROUNDS = 8
/** Lanes that are looked at together, where little is asked for: some may have nothing to give. */
const FEWEST_LANES = 4
/** Where tenants share, so many are looked at that several tenants are among them. */
const SHARED_LANES = 64
const NO_LIMIT = 2 ** 31 - 1

/** {@link Deliveries.claim}: a statement takes leases and reads what is sent, and goes again while lanes are ready. */
export async function claim(db: Database, watermark: Watermark, options: Claim): Promise<DeliveryLease[]> {
  const { tenants, failing, failingLimit = NO_LIMIT } = options
  const claimed: DeliveryLease[] = []
  const running = new Map(Object.entries(tenants?.running ?? {}))
  let leftOfFailing = failingLimit
  let left = options.limit
  for (let round = 0; round < MOST_ROUNDS && left > 0; round++) {
    const lanes = lanesFor(left, options)
    let rows: readonly Row[]
    try {
      rows = await db.runOften(CLAIM, [
        String(left),
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
    const report = rows[0]?.report
    if (report == null) break
    const [seen, spared, low] = JSON.parse(report) as Report
    // A claim of one kind alone says nothing of the others.
    if (failing === undefined && leftOfFailing > 0) watermark.raise(low)
    const found = new Map<string, { endpoint: Endpoint; lane: Lane }>()
    for (const row of rows) {
      if (row.key === null) continue
      left--
      let of = found.get(row.endpoint)
      if (row.head !== null) {
        const head = JSON.parse(row.head) as EndpointRow & LaneRow
        of = { endpoint: endpointOf(head), lane: laneOf(head) }
        found.set(row.endpoint, of)
      }
      // It was removed meanwhile: its lease runs out, and what is gone by now is ended by whoever removed it.
      if (!of) continue
      const { tenant } = of.endpoint
      running.set(tenant, (running.get(tenant) ?? 0) + 1)
      if (of.lane.failing) leftOfFailing--
      if (row.data !== null) claimed.push(leaseOf(row, row.data, of, options))
    }
    if (seen < lanes && spared === 0) break
  }
  return claimed
}

/**
 * How many lanes are looked at: twice as many as would be enough if each gave what it may have in flight. Where they give
 * less, the claim goes on.
 */
function lanesFor(limit: number, { cap, tenants }: Claim): number {
  if (tenants) return Math.max(limit, SHARED_LANES)
  return Math.max(FEWEST_LANES, Math.min(limit, Math.ceil((2 * limit) / Math.max(1, cap))))
}

function leaseOf(
  row: ClaimedRow,
  data: string,
  { endpoint, lane }: { readonly endpoint: Endpoint; readonly lane: Lane },
  { token, leaseMs }: Claim,
): DeliveryLease {
  const { key } = row
  const { tenant } = endpoint
  return {
    key,
    token,
    attempt: Number(row.attempts) + 1,
    claims: Number(row.claims),
    leaseLeftMs: leaseMs,
    delivery: {
      message: { id: row.message, type: row.type, occurredAt: dateOf(row.occurred), tenant, data },
      endpoint: { id: endpoint.id, url: endpoint.url },
      delivery: { id: key },
    },
    endpoint,
    step: Number(row.step),
    ageMs: Number(row.age),
    trigger: triggerOf(row.manual),
    variant: row.variant,
    lane,
  }
}
