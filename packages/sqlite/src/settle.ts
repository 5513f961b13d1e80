import type { Applied, DeliveryOutcome, LeaseRef } from '@hooks/core'
import { createHealth } from './health.ts'
import { refreshAll } from './lanes.ts'
import { advanceAll, type Chained } from './order.ts'
import { attemptValues } from './rows.ts'
import type { Session } from './session.ts'
import { CLOSE, END, FIND_OPEN, INSERT_ATTEMPTS, RELEASE, RETRY } from './sql/deliveries.ts'
import { after, dateOf, type Epoch } from './time.ts'

/** A row of `open`. */
export interface OpenRow {
  readonly id: string
  readonly endpoint_id: string
  readonly attempts: number
}

interface LeasedRow extends OpenRow, Chained {
  readonly leased: number
  readonly token: string | null
}

/** {@link Deliveries.settle}. */
export function settle(db: Session, now: Epoch, settlements: readonly (LeaseRef & DeliveryOutcome)[]): Applied[] {
  const found = db.all<LeasedRow>(FIND_OPEN, JSON.stringify([...new Set(settlements.map(({ key }) => key))]))
  const open = new Map(found.map((row) => [row.id, row]))
  const attempted: unknown[] = []
  const retried: unknown[] = []
  const ended: Ended[] = []
  const touched = new Set<string>()
  const health = createHealth()
  const released: Chained[] = []

  const applied = settlements.map((settlement): Applied => {
    const row = open.get(settlement.key)
    if (!row || !mayFinish(row, settlement)) return 'stale'
    const { attempt } = settlement
    const attempts = row.attempts + (attempt ? 1 : 0)
    if (attempt) {
      const at = dateOf(now - Math.round(attempt.ms))
      attempted.push([row.id, ...attemptValues({ ...attempt, n: attempts, at })])
    }
    // What a later settlement of the same call finds.
    if (settlement.result === 'retry') {
      open.set(row.id, { ...row, attempts, leased: 0, token: null })
      retried.push([row.id, after(now, settlement.retryInMs), attempts])
    } else {
      open.delete(row.id)
      released.push(row)
      const { result } = settlement
      ended.push([row.id, result, result === 'delivered' ? null : settlement.reason, attempts])
    }
    touched.add(row.endpoint_id)
    health.learn(row.endpoint_id, settlement)
    return 'applied'
  })

  if (attempted.length > 0) db.run(INSERT_ATTEMPTS, JSON.stringify(attempted))
  if (retried.length > 0) db.run(RETRY, JSON.stringify(retried))
  endAll(db, now, ended)
  advanceAll(db, now, released)
  health.write(db, now)
  refreshAll(db, touched, now)
  return applied
}

/** A success is true whoever reports it; anything else is for the one who holds the lease, or was the last to. */
function mayFinish(row: LeasedRow, { result, token }: LeaseRef & DeliveryOutcome): boolean {
  return result === 'delivered' || (row.leased === 1 && row.token === token)
}

/** A delivery's id, state, reason and number of attempts. */
export type Ended = readonly [id: string, state: string, reason: string | null, attempts: number]

/** Ends open deliveries. Their lanes are still to be refreshed. */
export function endAll(db: Session, now: Epoch, ended: readonly Ended[]): void {
  if (ended.length === 0) return
  const rows = JSON.stringify(ended)
  db.run(CLOSE, rows)
  db.run(END, now, rows)
}

/** {@link Deliveries.release}. */
export function release(db: Session, now: Epoch, leases: readonly LeaseRef[]): void {
  const touched = new Set<string>()
  for (const { key, token } of leases) {
    const released = db.get<{ endpoint_id: string }>(RELEASE, now, key, token)
    if (released) touched.add(released.endpoint_id)
  }
  refreshAll(db, touched, now)
}
