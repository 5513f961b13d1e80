import {
  ConfigurationError,
  type Ms,
  type NewDelivery,
  type NewMessage,
  type Outbox,
  type PutResult,
  type StoredMessage,
} from '@hooks/core'
import { endDelivery } from './ending.ts'
import { advance, chainOf, enchain } from './order.ts'
import { type Message, newDelivery } from './records.ts'
import { insert } from './sorted.ts'
import { insertDelivery, keptBack, mark, type State, tenantOf, unmark } from './state.ts'

/** The outbox of a memory storage. */
export function memoryOutbox(state: State): Outbox<never> {
  const { messages, lanes, marks } = state
  let puts = 0

  function put(given: NewMessage, now: Ms): PutResult {
    if (messages.has(given.id)) return { id: given.id, outcome: 'created' }
    const tenant = tenantOf(state, given.tenant)
    const { idempotencyKey: key, idempotencyKeepMs = Number.POSITIVE_INFINITY } = given
    const first = key === undefined ? undefined : tenant.keys.get(key)
    if (first !== undefined && now < first.until) {
      const { id, type, data } = first.message.stored
      // Of data that is forgotten nothing can be said, and a repeated call is likelier than a changed one.
      const same = type === given.type && (first.message.expired || data === given.data)
      return { id, outcome: same ? 'duplicate' : 'conflict' }
    }
    const message = newMessage(given, now)
    messages.set(message.id, message)
    insert(tenant.messages, message)
    mark(state, message)
    if (key !== undefined) tenant.keys.set(key, { message, until: now + idempotencyKeepMs })
    return { id: message.id, outcome: 'created' }
  }

  function newMessage(given: NewMessage, now: Ms): Message {
    const { id, type, tenant, data, idempotencyKey, channels, endpoints, orderingKey, orderingWaitMs } = given
    const stored: StoredMessage = {
      id,
      type,
      tenant,
      occurredAt: new Date(given.occurredAt),
      data,
      createdAt: new Date(now),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(channels && { channels: [...channels] }),
      ...(endpoints && { endpoints: [...endpoints] }),
      ...(orderingKey !== undefined && { orderingKey }),
    }
    return {
      slot: -1,
      id,
      stored,
      expired: false,
      createdAt: now,
      dueAt: now + (given.dueInMs ?? 0),
      sequence: puts++,
      orderingWaitMs,
      deliveries: [],
      open: 0,
    }
  }

  function unexpanded(limit: number, now: Ms): StoredMessage[] {
    const due: Message[] = []
    for (let next = marks.peek(); next !== undefined && next.dueAt <= now && due.length < limit; next = marks.peek()) {
      marks.delete(next)
      due.push(next)
    }
    for (const message of due) marks.push(message)
    return due.map(({ stored }) => stored)
  }

  function expand(message: Message, given: NewDelivery, now: Ms): void {
    const tenant = tenantOf(state, message.stored.tenant)
    const to = tenant.endpoints.get(given.endpointId)
    if (to === undefined) return
    const delivery = newDelivery(given, message, 'schedule', now)
    insertDelivery(state, delivery)
    const { orderingKey } = message.stored
    if (to.endpoint.state === 'disabled') endDelivery(state, delivery, 'skipped', 'endpoint_disabled', now)
    else if (orderingKey === undefined) lanes.add(to.lane, delivery, now, now)
    else {
      delivery.chain = orderingKey
      enchain(state, delivery)
      lanes.add(to.lane, delivery, Number.POSITIVE_INFINITY, now)
      advance(state, chainOf(state, delivery), now)
    }
  }

  function expandAll(expansions: Parameters<Outbox<never>['expand']>[0], now: Ms): void {
    const marked = expansions.flatMap(({ messageId, deliveries: made }) => {
      const message = messages.get(messageId)
      return message !== undefined && marks.has(message) ? [{ message, made }] : []
    })
    const along = new Set(marked.map(({ message }) => message))
    // In the order of putting, so that of an order the first comes first.
    for (const { message, made } of marked.sort((a, b) => a.message.sequence - b.message.sequence)) {
      if (keptBack(state, message, along) || !unmark(state, message)) continue
      for (const delivery of made) expand(message, delivery, now)
    }
  }

  return {
    put(given, tx?: unknown) {
      if (tx !== undefined)
        throw new ConfigurationError('tx_unsupported', 'the memory storage has no transactions', {
          hint: 'Leave out `tx`.',
        })
      const now = state.now()
      return given.map((message) => put(message, now))
    },
    unexpanded: (limit) => state.run((now) => unexpanded(limit, now)),
    expand: (expansions) => state.run((now) => expandAll(expansions, now)),
  }
}
