import { refreshAll } from './lanes.ts'
import { advanceAll, type Chained } from './order.ts'
import type { Session } from './session.ts'
import {
  DELETE_ATTEMPTS,
  DELETE_DELIVERY,
  DELETE_KEYS_OF_MESSAGE,
  DELETE_MARK,
  DELETE_MESSAGE,
  DELETE_OPEN,
  DELETE_PAYLOAD,
  DELIVERIES_OF_MESSAGE,
  EXPUNGE_TENANT,
  MESSAGES_TO_EXPUNGE,
} from './sql/history.ts'
import type { Epoch } from './time.ts'

/** {@link History.expunge}. */
export function expunge(
  db: Session,
  now: Epoch,
  { tenant, message }: { readonly tenant: string; readonly message?: string },
  limit: number,
): { removed: number; more: boolean } {
  const isAll = message === undefined
  const from = message ?? ''
  let left = limit
  while (left > 0) {
    const [next] = db.all<{ seq: number; id: string }>(MESSAGES_TO_EXPUNGE, tenant, from, Number(isAll), from, 1)
    if (!next) {
      if (isAll) for (const sql of EXPUNGE_TENANT) left -= db.run(sql, tenant)
      return { removed: limit - left, more: false }
    }
    left -= expungeMessage(db, now, tenant, next, left)
  }
  return { removed: limit, more: true }
}

/** Returns how many rows it removed, `limit` at most. The message itself goes after its deliveries. */
function expungeMessage(
  db: Session,
  now: Epoch,
  tenant: string,
  { seq, id }: { readonly seq: number; readonly id: string },
  limit: number,
): number {
  // Nothing more is made of it from here on.
  db.run(DELETE_MARK, seq)
  db.run(DELETE_PAYLOAD, seq)
  const deliveries = db.all<Chained & { id: string }>(DELIVERIES_OF_MESSAGE, seq, limit)
  for (const delivery of deliveries) {
    db.run(DELETE_OPEN, delivery.id)
    db.run(DELETE_ATTEMPTS, delivery.id)
    db.run(DELETE_DELIVERY, delivery.id)
  }
  advanceAll(db, now, deliveries)
  refreshAll(
    db,
    deliveries.map((delivery) => delivery.endpoint_id),
    now,
  )
  if (deliveries.length === limit) return limit
  db.run(DELETE_KEYS_OF_MESSAGE, tenant, seq, id)
  db.run(DELETE_MESSAGE, seq)
  return deliveries.length + 1
}
