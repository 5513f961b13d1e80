import type { AttemptRecord, DeliveryState, DeliveryView, MessageRecord, Page, Paged, Selector } from '@hooks/core'
import { countOf, type Listed, paged } from './page.ts'
import { type AttemptRow, attemptOf, type DeliveryRow, deliveryOf, type MessageRow, messageOf } from './rows.ts'
import { type Condition, DELIVERIES, deliveryCondition, messageCondition, STATE } from './selector.ts'
import type { Session } from './session.ts'
import { ATTEMPTS } from './sql/history.ts'
import type { Epoch } from './time.ts'

/** {@link History.message}. */
export function findMessage(db: Session, tenant: string, id: string): MessageRecord | null {
  return messagesWhere(db, messageCondition({ tenant, message: id }), ONE)[0] ?? null
}

/** {@link History.messages}. */
export function listMessages(db: Session, selector: Selector, page: Page): Paged<MessageRecord> {
  const condition = messageCondition(selector)
  return paged(page, {
    rows: (stretch) => messagesWhere(db, condition, stretch),
    count: () => countOf(db, `hooks_message m where ${condition.sql}`, condition.values),
  })
}

/** {@link History.undelivered}. */
export function listUndelivered(
  db: Session,
  { message: _message, ...selector }: Selector & { readonly endpoint: string },
  page: Page,
): Paged<MessageRecord> {
  const { sql, values } = messageCondition(selector)
  const condition = {
    sql: `${sql}
      and not exists (select 1 from hooks_outbox o where o.seq = m.seq)
      and not exists (select 1 from hooks_delivery d where d.message_seq = m.seq and +d.endpoint_id = ?)`,
    values: [...values, selector.endpoint],
  }
  return paged(page, {
    rows: (stretch) => messagesWhere(db, condition, stretch, 'asc'),
    count: () => countOf(db, `hooks_message m where ${condition.sql}`, condition.values),
  })
}

/** A stretch of a list. */
type Stretch = Parameters<Listed<unknown>['rows']>[0]
const ONE: Stretch = { limit: 1, offset: 0 }

function messagesWhere(
  db: Session,
  { sql, values }: Condition,
  { cursor, limit, offset }: Stretch,
  order: 'asc' | 'desc' = 'desc',
): MessageRecord[] {
  const rows = db.all<MessageRow & { marked: number }>(
    `select m.*, p.data, exists (select 1 from hooks_outbox o where o.seq = m.seq) as marked
    from hooks_message m
    left join hooks_payload p on p.seq = m.seq
    where ${sql} ${cursor === undefined ? '' : `and m.id ${order === 'asc' ? '>' : '<'} ?`}
    order by m.id ${order} limit ? offset ?`,
    ...values,
    ...(cursor === undefined ? [] : [cursor]),
    limit,
    offset,
  )
  return rows.map((row) => ({ ...messageOf(row), expired: row.data === null, expanded: !row.marked }))
}

/** {@link History.delivery}. */
export function findDelivery(db: Session, now: Epoch, tenant: string, id: string): DeliveryView | null {
  return deliveriesWhere(db, now, deliveryCondition({ tenant, delivery: id }, now), ONE)[0] ?? null
}

/** {@link History.deliveries}. */
export function listDeliveries(db: Session, now: Epoch, selector: Selector, page: Page): Paged<DeliveryView> {
  const condition = deliveryCondition(selector, now)
  return paged(page, {
    rows: (stretch) => deliveriesWhere(db, now, condition, stretch),
    count: () => countOf(db, `${DELIVERIES} where ${condition.sql}`, condition.values),
  })
}

function deliveriesWhere(
  db: Session,
  now: Epoch,
  { sql, values }: Condition,
  { cursor, limit, offset }: Stretch,
): DeliveryView[] {
  const rows = db.all<DeliveryRow>(
    `select d.id, m.id as message_id, d.endpoint_id, d.tenant, m.type, d.reason, d.variant, d.created_at, d.finished_at, o.due_at,
      ${STATE} as current_state, coalesce(o.attempts, d.attempts) as attempts_made,
      a.n, a.at, a.ms, a.status, a.error, a.detail, a.response, a.response_headers, a.manual
    from ${DELIVERIES}
    left join hooks_attempt a on a.seq = (
      select max(seq) from hooks_attempt where delivery_id = d.id and error is not 'lost')
    where ${sql} ${cursor === undefined ? '' : 'and d.id < ?'}
    order by d.id desc limit ? offset ?`,
    now,
    ...values,
    ...(cursor === undefined ? [] : [cursor]),
    limit,
    offset,
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
