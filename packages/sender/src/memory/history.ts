import type { History, MessageRecord, Ms } from '@hooks/core'
import { expunge } from './expunge.ts'
import { type Delivery, type Message, matches, matchesMessage, stateOf, type Tenant, viewOf } from './records.ts'
import { ascending, descending, discard, pageOf } from './sorted.ts'
import { candidates, type State } from './state.ts'

/** The history of a memory storage. */
export function memoryHistory(state: State): History {
  const { tenants, messages, deliveries, marks } = state

  const recordOf = (message: Message): MessageRecord => ({
    ...message.stored,
    expired: message.expired,
    expanded: !marks.has(message),
  })

  function deliveryOf(tenant: string, id: string): Delivery | undefined {
    const delivery = deliveries.get(id)
    return delivery?.message.stored.tenant === tenant ? delivery : undefined
  }

  function prune(payloadsBefore: Ms, historyBefore: Ms, limit: number, now: Ms) {
    let removed = 0
    let more = false
    /** Whether one more may go in this chunk. */
    const room = () => {
      if (removed < limit) return true
      more = true
      return false
    }
    for (const tenant of tenants.values()) {
      for (const [key, { until }] of tenant.keys) if (until <= now) tenant.keys.delete(key)
      for (const message of tenant.messages) {
        if (message.expired || message.createdAt >= payloadsBefore || message.open > 0 || marks.has(message)) continue
        if (!room()) break
        message.expired = true
        message.stored = { ...message.stored, data: '' }
        removed++
      }
      const old = new Set<Delivery>()
      for (const delivery of tenant.deliveries) {
        if (delivery.end === null || delivery.finishedAt >= historyBefore) continue
        if (!room()) break
        old.add(delivery)
        removed++
      }
      forget(tenant, old)
      forgetEmpty(tenant, historyBefore)
    }
    for (const [id, { job }] of state.jobs) {
      if (job.finishedAt === null || job.finishedAt.getTime() >= historyBefore) continue
      if (!room()) break
      state.jobs.delete(id)
      removed++
    }
    return { removed, more }
  }

  function forget(tenant: Tenant, old: ReadonlySet<Delivery>): void {
    if (old.size === 0) return
    for (const { id } of old) deliveries.delete(id)
    discard(tenant.deliveries, old)
    for (const message of new Set([...old].map((delivery) => delivery.message))) discard(message.deliveries, old)
  }

  /** Messages of which nothing is left. */
  function forgetEmpty(tenant: Tenant, before: Ms): void {
    const empty = tenant.messages.filter(
      (message) => message.expired && message.createdAt < before && message.deliveries.length === 0,
    )
    if (empty.length === 0) return
    for (const { id } of empty) messages.delete(id)
    discard(tenant.messages, new Set(empty))
  }

  return {
    message: (tenant, id) =>
      state.run(() => {
        const message = messages.get(id)
        return message?.stored.tenant === tenant ? recordOf(message) : null
      }),
    messages: (selector, page) =>
      state.run(() => {
        const all = tenants.get(selector.tenant)?.messages ?? []
        return pageOf(
          (cursor) => descending(all, cursor),
          page,
          recordOf,
          (message) => matchesMessage(message, selector),
        )
      }),
    delivery: (tenant, id) =>
      state.run((now) => {
        const delivery = deliveryOf(tenant, id)
        return delivery === undefined ? null : viewOf(delivery, now)
      }),
    deliveries: (selector, page) =>
      state.run((now) => {
        const all = candidates(state, selector)
        return pageOf(
          (cursor) => descending(all, cursor),
          page,
          (delivery) => viewOf(delivery, now),
          (delivery) => matches(delivery, selector, now),
        )
      }),
    attempts: (tenant, id) => state.run(() => [...(deliveryOf(tenant, id)?.log ?? [])]),
    stats: (selector) =>
      state.run((now) => {
        const counts = { pending: 0, sending: 0, retrying: 0, delivered: 0, failed: 0, cancelled: 0, skipped: 0 }
        for (const delivery of candidates(state, selector))
          if (matches(delivery, selector, now)) counts[stateOf(delivery, now)]++
        return counts
      }),
    undelivered: ({ endpoint, message: _message, ...selector }, page) =>
      state.run(() => {
        const all = tenants.get(selector.tenant)?.messages ?? []
        return pageOf(
          (cursor) => ascending(all, cursor),
          page,
          recordOf,
          (message) =>
            !marks.has(message) &&
            matchesMessage(message, selector) &&
            !message.deliveries.some(({ endpointId }) => endpointId === endpoint),
        )
      }),
    expunge: (what, limit) => state.run((now) => expunge(state, what, limit, now)),
    prune: ({ payloadsBefore, historyBefore }, limit) =>
      state.run((now) => prune(payloadsBefore?.getTime() ?? 0, historyBefore?.getTime() ?? 0, limit, now)),
  }
}
