import type { AttemptRecord, DeliveryState, DeliveryView, MessageRecord, Page, Paged, Selector } from '@hooks/core'
import { paged } from './page.ts'
import { type AttemptRow, attemptOf, type DeliveryRow, deliveryOf, type MessageRow, messageOf } from './rows.ts'
import { type Condition, DELIVERIES, deliveryCondition, messageCondition, STATE } from './selector.ts'
import type { Session } from './session.ts'
import { ATTEMPTS } from './sql/history.ts'
import type { Epoch } from './time.ts'

/** {@link History.message}. */
export function findMessage(db: Session, tenant: string, id: string): MessageRecord | null {
  return messagesWhere(db, messageCondition({ tenant, message: id }), { limit: 1 })[0] ?? null
}

/** {@link History.messages}. */
export function listMessages(db: Session, selector: Selector, page: Page): Paged<MessageRecord> {
  return paged(messagesWhere(db, messageCondition(selector), { ...page, limit: page.limit + 1 }), page.limit)
}

function messagesWhere(db: Session, { sql, values }: Condition, { cursor, limit }: Page): MessageRecord[] {
  const rows = db.all<MessageRow & { marked: number }>(
    `select m.*, p.data, exists (select 1 from hooks_outbox o where o.seq = m.seq) as marked
    from hooks_message m
    left join hooks_payload p on p.seq = m.seq
    where ${sql} ${cursor === undefined ? '' : 'and m.id < ?'}
    order by m.id desc limit ?`,
    ...values,
    ...(cursor === undefined ? [] : [cursor]),
    limit,
  )
  return rows.map((row) => ({ ...messageOf(row), expired: row.data === null, expanded: !row.marked }))
}

/** {@link History.delivery}. */
export function findDelivery(db: Session, now: Epoch, tenant: string, id: string): DeliveryView | null {
  return deliveriesWhere(db, now, deliveryCondition({ tenant, delivery: id }, now), { limit: 1 })[0] ?? null
}

/** {@link History.deliveries}. */
export function listDeliveries(db: Session, now: Epoch, selector: Selector, page: Page): Paged<DeliveryView> {
  return paged(
    deliveriesWhere(db, now, deliveryCondition(selector, now), { ...page, limit: page.limit + 1 }),
    page.limit,
  )
}

function deliveriesWhere(db: Session, now: Epoch, { sql, values }: Condition, { cursor, limit }: Page): DeliveryView[] {
  const rows = db.all<DeliveryRow>(
    `select d.id, m.id as message_id, d.endpoint_id, d.tenant, m.type, d.reason, d.created_at, d.finished_at, o.due_at,
      ${STATE} as current_state, coalesce(o.attempts, d.attempts) as attempts_made,
      a.n, a.at, a.ms, a.status, a.error, a.detail, a.response, a.manual
    from ${DELIVERIES}
    left join hooks_attempt a on a.seq = (
      select max(seq) from hooks_attempt where delivery_id = d.id and error is not 'lost')
    where ${sql} ${cursor === undefined ? '' : 'and d.id < ?'}
    order by d.id desc limit ?`,
    now,
    ...values,
    ...(cursor === undefined ? [] : [cursor]),
    limit,
  )
  return rows.map(deliveryOf)
}

/** {@link History.attempts}. */
export function listAttempts(db: Session, tenant: string, deliveryId: string): AttemptRecord[] {
  return db.all<AttemptRow>(ATTEMPTS, deliveryId, tenant).map(attemptOf)
}

/** {@link History.stats}. */
export function stats(db: Session, now: Epoch, selector: Selector): Record<DeliveryState, number> {
  const { sql, values } = deliveryCondition(selector, now)
  const rows = db.all<{ current_state: DeliveryState; n: number }>(
    `select ${STATE} as current_state, count(*) as n from ${DELIVERIES} where ${sql} group by 1`,
    now,
    ...values,
  )
  const counts = { pending: 0, sending: 0, retrying: 0, delivered: 0, failed: 0, cancelled: 0, skipped: 0 }
  for (const { current_state: state, n } of rows) counts[state] = n
  return counts
}
