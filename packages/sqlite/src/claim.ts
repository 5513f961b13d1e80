import type { ClaimOptions, DeliveryLease, Endpoint } from '@hooks/core'
import { attemptValues, type EndpointRow, endpointOf, triggerOf } from './rows.ts'
import type { Session } from './session.ts'
import { DUE_OF_LANE, INSERT_ATTEMPTS, LEASE } from './sql/deliveries.ts'
import { FIND_ENDPOINTS } from './sql/endpoints.ts'
import { NEITHER, READY_LANES, SET_READY, WAITING_OF_LANES } from './sql/lanes.ts'
import { after, dateOf, type Epoch } from './time.ts'

/** What {@link Deliveries.claim} is asked for, and the token that the claim gives out. */
export interface Claim extends ClaimOptions {
  readonly cap: number
  readonly failing?: boolean
  readonly token: string
}

interface ReadyLane {
  readonly endpoint_id: string
  readonly cap: number | null
  /** Leases that run, and when the first of them ends. */
  readonly flying: number
  readonly lease_ends_at: Epoch | null
  /** Leases that have ended unsettled. */
  readonly lost: number
}

interface DueRow {
  readonly id: string
  readonly endpoint_id: string
  readonly message_id: string
  readonly tenant: string
  readonly type: string
  readonly occurred_at: Epoch
  readonly data: string
  readonly due_at: Epoch
  readonly leased: number
  readonly claimed_at: Epoch | null
  readonly claims: number
  readonly attempts: number
  readonly step: number
  readonly since: Epoch
  readonly manual: number
}

/** A lane's turn: what it may have more in flight, and what is taken of it. */
interface Turn {
  readonly lane: ReadyLane
  readonly free: number
  readonly due: readonly DueRow[]
}

/** {@link Deliveries.claim}: lane by lane, until the limit is reached or no lane is ready. */
export function claim(db: Session, now: Epoch, options: Claim): DeliveryLease[] {
  const { failing, limit, cap } = options
  const [one, other] = failing === undefined ? [0, 1] : [Number(failing), NEITHER]
  const endsAt = after(now, options.leaseMs)
  const claimed: DueRow[] = []
  while (claimed.length < limit) {
    const lanes = db.all<ReadyLane>(READY_LANES, now, now, now, one, now, other, now, limit - claimed.length)
    if (lanes.length === 0) break
    const turns: Turn[] = []
    for (const lane of lanes) {
      const free = Math.max(0, (lane.cap ?? cap) - lane.flying)
      const due = dueOfLane(db, now, lane, Math.min(limit - claimed.length, free))
      turns.push({ lane, free, due })
      claimed.push(...due)
      if (claimed.length >= limit) break
    }
    lease(
      db,
      now,
      endsAt,
      turns.flatMap(({ due }) => due),
      options,
    )
    // No lane is seen twice: each leaves the ready ones here, unless the limit was reached with it.
    reschedule(db, now, endsAt, turns)
  }
  return leasesOf(db, now, endsAt, claimed, options.token)
}

/** The rows of a lane that are due, the oldest first. */
function dueOfLane(db: Session, now: Epoch, { endpoint_id: endpointId, lost }: ReadyLane, limit: number): DueRow[] {
  if (limit === 0) return []
  const waiting = db.all<DueRow>(DUE_OF_LANE, endpointId, 0, now, limit)
  if (lost === 0) return waiting
  const all = [...waiting, ...db.all<DueRow>(DUE_OF_LANE, endpointId, 1, now, limit)]
  return all.sort((a, b) => a.due_at - b.due_at || (a.id < b.id ? -1 : 1)).slice(0, limit)
}

function lease(db: Session, now: Epoch, endsAt: Epoch, due: readonly DueRow[], { token, worker }: Claim): void {
  if (due.length === 0) return
  const lost = due.filter((row) => row.leased)
  if (lost.length > 0) db.run(INSERT_ATTEMPTS, JSON.stringify(lost.map(lostAttempt)))
  db.run(LEASE, endsAt, token, worker, now, JSON.stringify(due.map(({ id }) => id)))
}

/** The attempt of a worker that was not heard of again. It has the time of its claim. */
function lostAttempt({ id, attempts, claimed_at: claimedAt, due_at: dueAt, manual }: DueRow) {
  const trigger = triggerOf(manual)
  return [id, ...attemptValues({ n: attempts + 1, at: dateOf(claimedAt ?? dueAt), ms: 0, error: 'lost', trigger })]
}

/** Says of each lane when it is ready again. */
function reschedule(db: Session, now: Epoch, endsAt: Epoch, turns: readonly Turn[]): void {
  const ids = JSON.stringify(turns.map(({ lane }) => lane.endpoint_id))
  const waiting = db.all<{ at: Epoch | null }>(WAITING_OF_LANES, ids)
  for (const [i, { lane, free, due }] of turns.entries()) {
    const leaseEndsAt = earliest(lane.lease_ends_at, due.length > 0 ? endsAt : null)
    const lostAt = lane.lost > due.filter((row) => row.leased).length ? now : null
    // A full lane is ready again when one of its leases is over: by a settlement, which makes it so, or by its end.
    const readyAt = due.length >= free ? leaseEndsAt : earliest(waiting[i]?.at ?? null, leaseEndsAt, lostAt)
    const next = readyAt === null ? null : Math.max(readyAt, now)
    db.run(SET_READY, next, next, next, lane.endpoint_id)
  }
}

function earliest(...times: (Epoch | null)[]): Epoch | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}

function leasesOf(db: Session, now: Epoch, endsAt: Epoch, claimed: readonly DueRow[], token: string): DeliveryLease[] {
  if (claimed.length === 0) return []
  const ids = new Set(claimed.map((row) => row.endpoint_id))
  const found = db.all<EndpointRow>(FIND_ENDPOINTS, JSON.stringify([...ids])).map(endpointOf)
  const endpoints = new Map(found.map((endpoint) => [endpoint.id, endpoint]))
  return claimed.map((row) => {
    const endpoint = endpoints.get(row.endpoint_id) as Endpoint
    const { message_id: id, type, tenant, data } = row
    return {
      key: row.id,
      token,
      attempt: row.attempts + 1,
      claims: row.claims + 1,
      leaseLeftMs: endsAt - now,
      delivery: {
        message: { id, type, occurredAt: dateOf(row.occurred_at), tenant, data },
        endpoint: { id: endpoint.id, url: endpoint.url },
        delivery: { id: row.id },
      },
      endpoint,
      step: row.step,
      ageMs: Math.max(0, now - row.since),
      trigger: triggerOf(row.manual),
    }
  })
}
