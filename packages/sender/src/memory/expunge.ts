import type { Ms } from '@hooks/core'
import { endDelivery } from './ending.ts'
import { rowsOf } from './lanes.ts'
import type { Delivery, Message } from './records.ts'
import { discard } from './sorted.ts'
import { type State, unmark } from './state.ts'

/** Removes every trace of a message, or of a tenant, up to `limit` rows at a time. */
export function expunge(
  state: State,
  { tenant: name, message: id }: { readonly tenant: string; readonly message?: string },
  limit: number,
  now: Ms,
): { removed: number; more: boolean } {
  const tenant = state.tenants.get(name)
  if (tenant === undefined) return { removed: 0, more: false }
  let left = limit
  const messages = tenant.messages.filter((message) => id === undefined || message.id === id)
  for (const message of messages) {
    if (left <= 0) return { removed: limit - left, more: true }
    left -= expungeMessage(state, message, left, now)
  }
  if (messages.some((message) => state.messages.has(message.id))) return { removed: limit - left, more: true }
  if (id === undefined) {
    for (const { endpoint, lane } of [...tenant.endpoints.values()]) {
      if (left <= 0) return { removed: limit, more: true }
      left--
      for (const delivery of rowsOf(lane)) state.lanes.take(lane, delivery, now)
      tenant.endpoints.delete(endpoint.id)
      state.endpoints.delete(endpoint.id)
    }
    for (const [key, { job }] of state.jobs) if (job.tenant === name) state.jobs.delete(key)
    state.tenants.delete(name)
  }
  return { removed: limit - left, more: false }
}

/** Returns how many rows it removed. The message itself goes with the last of its deliveries. */
function expungeMessage(state: State, message: Message, limit: number, now: Ms): number {
  const tenant = state.tenants.get(message.stored.tenant)
  unmark(state, message)
  const gone = new Set(message.deliveries.slice(0, limit))
  for (const delivery of gone) remove(state, delivery, now)
  discard(message.deliveries, gone)
  if (tenant) discard(tenant.deliveries, gone)
  if (message.deliveries.length > 0 || gone.size === limit) return gone.size
  state.messages.delete(message.id)
  if (tenant) {
    discard(tenant.messages, new Set([message]))
    for (const [key, kept] of tenant.keys) if (kept.message === message) tenant.keys.delete(key)
  }
  return gone.size + 1
}

function remove(state: State, delivery: Delivery, now: Ms): void {
  const registered = state.endpoints.get(delivery.endpointId)
  if (delivery.end === null && registered) {
    state.lanes.take(registered.lane, delivery, now)
    endDelivery(state, delivery, 'cancelled', 'expunged', now)
  }
  state.deliveries.delete(delivery.id)
}
