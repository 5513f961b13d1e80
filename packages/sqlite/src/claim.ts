import { type Deliveries, type DeliveryLease, type Endpoint, freeAfter, freeNow, type Lane } from '@hooks/core'
import { freeTime, type LaneRow, laneOf, paceOf } from './lanes.ts'
import { overtake } from './order.ts'
import { attemptValues, type EndpointRow, endpointOf, triggerOf } from './rows.ts'
import type { Session } from './session.ts'
import { DUE_OF_LANE, INSERT_ATTEMPTS, LEASE } from './sql/deliveries.ts'
import { FIND_ENDPOINTS } from './sql/endpoints.ts'
import { NEITHER, READY_LANES, SET_FREE, SET_READY, WAITING_OF_LANES } from './sql/lanes.ts'
import { after, dateOf, type Epoch, FOREVER } from './time.ts'

/** What {@link Deliveries.claim} is asked for, and the token that the claim gives out. */
export type Claim = Parameters<Deliveries['claim']>[0] & { readonly token: string }

interface ReadyLane extends LaneRow {
  readonly ready_at: Epoch
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
  readonly ordering_key: string | null
  readonly waits: number
  readonly variant: string | null
}

/** How many lanes are read at a time where some of them may be passed over. */
const LOOK_AHEAD = 50

/** A lane's turn: what it may have in flight, what is due of it, and how many of that are taken. */
interface Turn {
  readonly lane: ReadyLane
  readonly cap: number
  readonly due: readonly DueRow[]
  take: number
}

/** {@link Deliveries.claim}: lane by lane, until the limit is reached or no lane is ready. */
export function claim(db: Session, now: Epoch, options: Claim): DeliveryLease[] {
  const endsAt = after(now, options.leaseMs)
  const turns = takeTurns(db, now, options)
  const claimed = turns.flatMap(({ due, take }) => due.slice(0, take))
  lease(db, now, endsAt, claimed, options)
  for (const row of claimed) if (row.waits) overtake(db, now, row)
  reschedule(db, now, endsAt, turns)
  const lanes = new Map(turns.map(({ lane }) => [lane.endpoint_id, laneOf(lane, now)]))
  return leasesOf(db, now, endsAt, claimed, lanes, options.token)
}

/** Ready lanes, in the order in which they became ready, and how much is taken of each. */
function takeTurns(db: Session, now: Epoch, options: Claim): Turn[] {
  const { failing, limit, failingLimit = Number.POSITIVE_INFINITY, tenants } = options
  const turns: Turn[] = []
  /** All, in ready order; without a turn those of tenants that have their share: they are looked at if nobody else fills the claim. */
  const seen: { readonly lane: ReadyLane; readonly turn?: Turn }[] = []
  // Not as the object that it is: a tenant may be called what every object has.
  const running = new Map(Object.entries(tenants?.running ?? {}))
  const takenOf = new Map<string, number>()
  let left = limit
  let leftOfFailing = failingLimit

  const roomOf = (lane: ReadyLane) => Math.min(left, lane.failing ? leftOfFailing : left)
  const shareOf = ({ tenant }: ReadyLane) =>
    tenants ? Math.max(0, tenants.most - (running.get(tenant) ?? 0) - (takenOf.get(tenant) ?? 0)) : left
  const take = (turn: Turn, count: number) => {
    turn.take += count
    left -= count
    if (turn.lane.failing) leftOfFailing -= count
    takenOf.set(turn.lane.tenant, (takenOf.get(turn.lane.tenant) ?? 0) + count)
  }

  const visit = (lane: ReadyLane) => {
    const cap = lane.probing ? 1 : (lane.cap ?? lane.concurrency ?? options.cap)
    const most = Math.min(roomOf(lane), Math.max(0, cap - lane.flying), freeNow(paceOf(lane), now))
    const turn: Turn = { lane, cap, due: dueOfLane(db, now, lane, most), take: 0 }
    turns.push(turn)
    return turn
  }

  // Of lanes that are ready at the same time each has another place, so the place is where to go on.
  let place: readonly [Epoch, number] = [-1, -1]
  while (left > 0) {
    const kinds = [failing === true ? NEITHER : 0, failing === false || leftOfFailing <= 0 ? NEITHER : 1]
    const [well, ill] = kinds as [number, number]
    const lanes = db.all<ReadyLane>(
      READY_LANES,
      now,
      now,
      now,
      well,
      now,
      ...place,
      ill,
      now,
      ...place,
      tenants ? Math.max(left, LOOK_AHEAD) : left,
    )
    if (lanes.length === 0) break
    for (const lane of lanes) {
      place = [lane.ready_at, lane.ready_seq]
      if (roomOf(lane) <= 0) continue
      const share = shareOf(lane)
      if (share <= 0) {
        seen.push({ lane })
        continue
      }
      const turn = visit(lane)
      seen.push({ lane, turn })
      take(turn, Math.min(turn.due.length, share))
      if (left <= 0) break
    }
  }
  for (const { lane, turn } of seen) {
    const room = roomOf(lane)
    if (room <= 0) continue
    const more = turn ?? visit(lane)
    take(more, Math.min(more.due.length - more.take, room))
  }
  return turns
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
  for (const [i, { lane, cap, due, take }] of turns.entries()) {
    const leaseEndsAt = earliest(lane.lease_ends_at, take > 0 ? endsAt : null)
    const lostAt = lane.lost > due.slice(0, take).filter((row) => row.leased).length ? now : null
    // A full lane is ready again when one of its leases is over: by a settlement, which makes it so, or by its end.
    const isFull = lane.flying + take >= cap
    const dueAt = isFull ? leaseEndsAt : earliest(waiting[i]?.at ?? null, leaseEndsAt, lostAt)
    const freeAt = freeAfter(paceOf(lane), take, now)
    if (freeAt !== lane.free_at) db.run(SET_FREE, freeAt, lane.endpoint_id)
    const next =
      dueAt === null || dueAt >= FOREVER ? null : Math.max(dueAt, freeTime({ ...lane, free_at: freeAt }), now)
    db.run(SET_READY, next, next, next, lane.endpoint_id)
  }
}

function earliest(...times: (Epoch | null)[]): Epoch | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}

function leasesOf(
  db: Session,
  now: Epoch,
  endsAt: Epoch,
  claimed: readonly DueRow[],
  lanes: ReadonlyMap<string, Lane>,
  token: string,
): DeliveryLease[] {
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
      variant: row.variant,
      lane: lanes.get(row.endpoint_id) as Lane,
    }
  })
}
