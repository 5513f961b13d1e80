import type { NewDelivery, NewMessage, PutResult, StoredMessage } from '@hooks/core'
import { refreshAll } from './lanes.ts'
import { advanceAll, type Chained } from './order.ts'
import { type EndpointRow, encodeText, jsonOf, type MessageRow, messageOf } from './rows.ts'
import type { Session } from './session.ts'
import { STATES_OF_ENDPOINTS } from './sql/endpoints.ts'
import {
  FIND_EXPANDED,
  FIND_KEY,
  FIND_MARKED,
  FIND_MESSAGE,
  FIRST_OF_ORDER,
  HAS_DELIVERY,
  INSERT_DELIVERIES,
  INSERT_MARK,
  INSERT_MESSAGE,
  INSERT_OPEN,
  INSERT_PAYLOAD,
  KEEP_KEY,
  REMOVE_MARKS,
  UNEXPANDED,
} from './sql/outbox.ts'
import { after, type Epoch, FOREVER } from './time.ts'

/** {@link Outbox.put}. */
export function put(db: Session, now: Epoch, messages: readonly NewMessage[]): PutResult[] {
  return messages.map((message) => putOne(db, now, message))
}

function putOne(db: Session, now: Epoch, message: NewMessage): PutResult {
  const { id, tenant, type, data, dueInMs = 0 } = message
  const key = message.idempotencyKey === undefined ? null : encodeText(message.idempotencyKey)
  if (key !== null && !db.get(FIND_MESSAGE, id)) {
    const first = db.get<{ message_id: string; type: string | null; data: string | null }>(FIND_KEY, tenant, key, now)
    // Of what is forgotten nothing can be said, and a repeated call is likelier than a changed one.
    const isSame = first && (first.type ?? type) === type && (first.data ?? data) === data
    if (first) return { id: first.message_id, outcome: isSame ? 'duplicate' : 'conflict' }
  }
  const ordering = message.orderingKey === undefined ? null : encodeText(message.orderingKey)
  const inserted = db.get<{ seq: number }>(
    INSERT_MESSAGE,
    id,
    tenant,
    type,
    Math.floor(message.occurredAt.getTime()),
    now,
    key,
    jsonOf(message.channels),
    jsonOf(message.endpoints),
    ordering,
  )
  if (inserted) {
    db.run(INSERT_PAYLOAD, inserted.seq, now, data)
    db.run(INSERT_MARK, inserted.seq, after(now, dueInMs), tenant, ordering, message.orderingWaitMs ?? null)
    if (key !== null)
      db.run(KEEP_KEY, tenant, key, id, after(now, message.idempotencyKeepMs ?? Number.POSITIVE_INFINITY))
  }
  return { id, outcome: 'created' }
}

/** {@link Outbox.unexpanded}. */
export function unexpanded(db: Session, now: Epoch, limit: number): StoredMessage[] {
  return db.all<MessageRow>(UNEXPANDED, now, limit).map(messageOf)
}

/** One message, and what it goes to. */
export interface Expansion {
  readonly messageId: string
  readonly deliveries: readonly NewDelivery[]
}

interface Marked {
  readonly id: string
  readonly seq: number
  readonly tenant: string
  readonly ordering_key: string | null
  readonly ordering_wait_ms: number | null
}

/** {@link Outbox.expand}. */
export function expand(db: Session, now: Epoch, expansions: readonly Expansion[]): void {
  const messages = new Set(expansions.map(({ messageId }) => messageId))
  const marked = db.all<Marked>(FIND_MARKED, JSON.stringify([...messages]))
  const along = JSON.stringify(marked.map(({ seq }) => seq))
  const found = marked.filter((message) => !isKeptBack(db, message, along))
  db.run(REMOVE_MARKS, JSON.stringify(found.map(({ seq }) => seq)))
  insertDeliveries(db, now, found, expansions, false)
}

/** Whether an earlier message of the same order is still to be expanded, and not with this one. */
function isKeptBack(db: Session, { seq, tenant, ordering_key: key }: Marked, along: string): boolean {
  if (key === null) return false
  const first = db.get<{ seq: number | null }>(FIRST_OF_ORDER, tenant, key, along)?.seq ?? null
  return first !== null && first < seq
}

/** {@link Deliveries.add}. */
export function add(db: Session, now: Epoch, expansions: readonly Expansion[]): number {
  const messages = new Set(expansions.map(({ messageId }) => messageId))
  const found = db.all<Pick<Marked, 'id' | 'seq' | 'tenant'>>(FIND_EXPANDED, JSON.stringify([...messages]))
  const bySeq = new Map(found.map(({ id, seq }) => [id, seq]))
  const taken = new Set<string>()
  const wanted = expansions.map(({ messageId, deliveries }) => ({
    messageId,
    deliveries: deliveries.filter(({ endpointId }) => {
      const pair = `${messageId} ${endpointId}`
      if (taken.has(pair) || db.get(HAS_DELIVERY, bySeq.get(messageId) ?? 0, endpointId)) return false
      taken.add(pair)
      return true
    }),
  }))
  return insertDeliveries(
    db,
    now,
    found.map((message) => ({ ...message, ordering_key: null, ordering_wait_ms: null })),
    wanted,
    true,
  )
}

/** Inserts the deliveries of messages, and wakes their lanes. Returns how many. */
function insertDeliveries(
  db: Session,
  now: Epoch,
  messages: readonly Marked[],
  expansions: readonly Expansion[],
  byHand: boolean,
): number {
  const ids = new Set(expansions.flatMap(({ deliveries }) => deliveries.map(({ endpointId }) => endpointId)))
  const endpoints = db.all<Pick<EndpointRow, 'id' | 'tenant' | 'state'>>(STATES_OF_ENDPOINTS, JSON.stringify([...ids]))
  const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]))
  const left = new Map(messages.map((message) => [message.id, message]))
  const rows: unknown[] = []
  const woken = new Set<string>()
  const chained: Chained[] = []
  for (const { messageId, deliveries } of expansions) {
    const message = left.get(messageId)
    if (!message) continue
    // A second expansion of the message, also in this very call, finds its mark gone.
    if (!byHand) left.delete(messageId)
    const { seq, tenant, ordering_key: key, ordering_wait_ms: waitMs } = message
    for (const { id, endpointId, variant = null } of deliveries) {
      const endpoint = byId.get(endpointId)
      if (endpoint?.tenant !== tenant || (byHand && endpoint.state === 'disabled')) continue
      const end = endpoint.state === 'disabled' ? ['skipped', 'endpoint_disabled', now] : [null, null, null]
      const dueAt = key === null ? now : FOREVER
      rows.push([
        id,
        tenant,
        endpointId,
        seq,
        ...end,
        variant,
        dueAt,
        key,
        waitMs,
        Number(key !== null),
        Number(byHand),
      ])
      if (endpoint.state === 'disabled') continue
      woken.add(endpointId)
      chained.push({ endpoint_id: endpointId, ordering_key: key })
    }
  }
  if (rows.length === 0) return 0
  const json = JSON.stringify(rows)
  db.run(INSERT_DELIVERIES, now, json)
  db.run(INSERT_OPEN, now, json)
  advanceAll(db, now, chained)
  refreshAll(db, woken, now)
  return rows.length
}
