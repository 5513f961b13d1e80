import type { Retirement, Revival, Selector } from '@hooks/core'
import { refreshAll } from './lanes.ts'
import { advanceAll, type Chained } from './order.ts'
import { DELIVERIES, deliveryCondition, OPEN_DELIVERIES } from './selector.ts'
import type { Session } from './session.ts'
import { endAll, type OpenRow } from './settle.ts'
import { REOPEN, RESTART } from './sql/deliveries.ts'
import { INSERT_REOPENED } from './sql/outbox.ts'
import type { Epoch } from './time.ts'

/** {@link Deliveries.retire}. */
export function retire(db: Session, now: Epoch, selector: Selector, to: Retirement, limit: number): number {
  const inFlightToo = selector.states?.includes('sending') ?? false
  // A message's deliveries are few, an endpoint's or a tenant's are found among those that are open.
  const byOpen = selector.message === undefined && selector.delivery === undefined
  const { sql, values } = deliveryCondition(selector, now, byOpen ? 'o' : 'd')
  const rows = db.all<OpenRow & Chained>(
    `select o.id, o.endpoint_id, o.attempts, o.ordering_key from ${byOpen ? OPEN_DELIVERIES : DELIVERIES}
    where ${sql} and o.id is not null and (? or o.leased = 0 or o.due_at <= ?)
    limit ?`,
    ...values,
    Number(inFlightToo),
    now,
    limit,
  )
  endAll(
    db,
    now,
    rows.map(({ id, attempts }) => [id, to.state, to.reason, attempts]),
  )
  advanceAll(db, now, rows)
  refreshAll(
    db,
    rows.map((row) => row.endpoint_id),
    now,
  )
  return rows.length
}

/** {@link Deliveries.revive}. `limit` is how many it looks at. */
export function revive(
  db: Session,
  now: Epoch,
  selector: Selector,
  limit: number,
  cursor = '',
  dryRun = false,
): Revival {
  interface Row extends Chained {
    readonly id: string
    readonly message_seq: number
    readonly attempts: number
    readonly open: number
    readonly in_flight: number
    readonly expired: number
    readonly blocked: number
  }
  const { sql, values } = deliveryCondition(selector, now)
  const rows = db.all<Row>(
    `select d.id, d.endpoint_id, d.message_seq, d.attempts, iif(o.waits, o.ordering_key, null) as ordering_key,
      o.id is not null as open,
      coalesce(o.leased = 1 and o.due_at > ?, 0) as in_flight,
      not exists (select 1 from hooks_payload p where p.seq = d.message_seq) as expired,
      not exists (select 1 from hooks_endpoint e where e.id = d.endpoint_id and e.state = 'enabled') as blocked
    from ${DELIVERIES}
    where ${sql} and d.id > ?
    order by d.id limit ?`,
    now,
    ...values,
    cursor,
    limit + 1,
  )
  const page = rows.slice(0, limit)
  const counts = { revived: 0, inFlight: 0, expired: 0, blocked: 0 }
  const revived: Row[] = []
  for (const row of page) {
    if (row.in_flight) counts.inFlight++
    else if (row.expired) counts.expired++
    else if (row.blocked) counts.blocked++
    else {
      counts.revived++
      if (dryRun) continue
      revived.push(row)
      if (row.open) db.run(RESTART, now, now, row.id)
      else {
        db.run(REOPEN, row.id)
        db.run(INSERT_REOPENED, row.id, row.endpoint_id, row.message_seq, now, now, row.attempts)
      }
    }
  }
  advanceAll(db, now, revived)
  refreshAll(
    db,
    revived.map((row) => row.endpoint_id),
    now,
  )
  const next = rows.length > limit ? page.at(-1)?.id : undefined
  return { ...counts, ...(next !== undefined && { next }) }
}
