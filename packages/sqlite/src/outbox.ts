import type { NewDelivery, NewMessage, PutResult, StoredMessage } from '@hooks/core'
import { refreshAll } from './lanes.ts'
import { type EndpointRow, encodeText, jsonOf, type MessageRow, messageOf } from './rows.ts'
import type { Session } from './session.ts'
import { STATES_OF_ENDPOINTS } from './sql/endpoints.ts'
import {
  FIND_KEY,
  FIND_MARKED,
  FIND_MESSAGE,
  INSERT_DELIVERIES,
  INSERT_MARK,
  INSERT_MESSAGE,
  INSERT_OPEN,
  INSERT_PAYLOAD,
  KEEP_KEY,
  REMOVE_MARKS,
  UNEXPANDED,
} from './sql/outbox.ts'
import { after, type Epoch } from './time.ts'

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
  )
  if (inserted) {
    db.run(INSERT_PAYLOAD, inserted.seq, now, data)
    db.run(INSERT_MARK, inserted.seq, after(now, dueInMs))
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

/** {@link Outbox.expand}. */
export function expand(db: Session, now: Epoch, expansions: readonly Expansion[]): void {
  const ids = new Set(expansions.flatMap(({ deliveries }) => deliveries.map(({ endpointId }) => endpointId)))
  const endpoints = db.all<Pick<EndpointRow, 'id' | 'tenant' | 'state'>>(STATES_OF_ENDPOINTS, JSON.stringify([...ids]))
  const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]))
  const messages = new Set(expansions.map(({ messageId }) => messageId))
  const found = db.all<{ id: string; seq: number; tenant: string }>(FIND_MARKED, JSON.stringify([...messages]))
  const marked = new Map(found.map((message) => [message.id, message]))
  db.run(REMOVE_MARKS, JSON.stringify(found.map(({ seq }) => seq)))

  const rows: unknown[] = []
  const woken = new Set<string>()
  for (const { messageId, deliveries } of expansions) {
    const message = marked.get(messageId)
    if (!message) continue
    // A second expansion of the message, also in this very call, finds its mark gone.
    marked.delete(messageId)
    for (const { id, endpointId } of deliveries) {
      const endpoint = byId.get(endpointId)
      if (endpoint?.tenant !== message.tenant) continue
      const end = endpoint.state === 'disabled' ? ['skipped', 'endpoint_disabled', now] : [null, null, null]
      rows.push([id, message.tenant, endpointId, message.seq, ...end])
      if (endpoint.state === 'enabled') woken.add(endpointId)
    }
  }
  const json = JSON.stringify(rows)
  db.run(INSERT_DELIVERIES, now, json)
  db.run(INSERT_OPEN, now, now, json)
  refreshAll(db, woken, now)
}
