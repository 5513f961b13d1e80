import type {
  Applied,
  Deliveries,
  DeliveryLease,
  DeliveryOutcome,
  Depth,
  LaneChange,
  LeaseRef,
  Ms,
  NewDelivery,
  Retirement,
  Revival,
  Selector,
} from '@hooks/core'
import { isFailure } from '../endpoint-failure.ts'
import { endDelivery } from './ending.ts'
import { type Changeable, type Lane, rowsOf, WELL } from './lanes.ts'
import { overtake, unchain } from './order.ts'
import { type Delivery, holds, laneViewOf, matches, newDelivery, type Registered, stateOf } from './records.ts'
import { ascending } from './sorted.ts'
import { candidates, insertDelivery, type State } from './state.ts'

/** The deliveries of a memory storage. */
export function memoryDeliveries(state: State): Deliveries {
  const { endpoints, lanes, marks } = state

  function open(id: string): Delivery | undefined {
    const delivery = state.deliveries.get(id)
    return delivery?.end === null ? delivery : undefined
  }

  const laneOf = (delivery: Delivery) => (endpoints.get(delivery.endpointId) as Registered).lane

  function leaseOf(delivery: Delivery, leaseMs: Ms, now: Ms): DeliveryLease {
    const { endpoint, lane } = endpoints.get(delivery.endpointId) as Registered
    const { id, token, attempts, claims, step, trigger, variant, bornAt, message } = delivery
    const { id: messageId, type, occurredAt, tenant, data } = message.stored
    return {
      key: id,
      token: token as string,
      attempt: attempts + 1,
      claims,
      leaseLeftMs: leaseMs,
      delivery: {
        message: { id: messageId, type, occurredAt, tenant, data },
        endpoint: { id: endpoint.id, url: endpoint.url },
        delivery: { id },
      },
      endpoint,
      step,
      ageMs: now - bornAt,
      trigger,
      variant,
      lane: laneViewOf(endpoint.id, lane, now),
    }
  }

  /** A row that is about to be leased. One that still has a token was lost by its worker. */
  function found(delivery: Delivery, now: Ms): void {
    const { attempts, trigger, claimedAt } = delivery
    if (delivery.token !== null)
      delivery.log.push({ n: attempts + 1, at: new Date(claimedAt), ms: 0, error: 'lost', trigger })
    delivery.claims++
    delivery.claimedAt = now
  }

  /** What a lane learns of an attempt that was settled. */
  function learn(lane: Lane<Delivery>, outcome: DeliveryOutcome, now: Ms): void {
    const { health } = lane
    const { result } = outcome
    if (result === 'delivered') {
      Object.assign(health, WELL)
      if (lane.failing || lane.probing) lanes.change(lane, { failing: false, probing: false }, now)
    } else if (isFailure(outcome)) {
      health.failures++
      if (result === 'failed') health.exhausted++
      health.firstFailureAt ??= now
      health.lastFailureAt = now
    }
  }

  function settle(settlement: LeaseRef & DeliveryOutcome, now: Ms): Applied {
    const delivery = open(settlement.key)
    if (delivery === undefined) return 'stale'
    // A success is true whoever reports it.
    if (settlement.result !== 'delivered' && !holds(delivery, settlement)) return 'stale'
    if (settlement.attempt !== undefined) {
      const record = { n: ++delivery.attempts, at: new Date(now - settlement.attempt.ms), ...settlement.attempt }
      delivery.log.push(record)
      delivery.last = record
    }
    delivery.claims = 0
    delivery.trigger = 'schedule'
    const lane = laneOf(delivery)
    learn(lane, settlement, now)
    if (settlement.result === 'retry') {
      delivery.step++
      lanes.postpone(lane, delivery, now + settlement.retryInMs, now)
    } else {
      lanes.take(lane, delivery, now)
      endDelivery(state, delivery, settlement.result, settlement.result === 'delivered' ? null : settlement.reason, now)
    }
    return 'applied'
  }

  function release(ref: LeaseRef, now: Ms): void {
    const delivery = open(ref.key)
    if (delivery === undefined || !holds(delivery, ref)) return
    delivery.claims--
    lanes.postpone(laneOf(delivery), delivery, now, now)
  }

  /** {@link candidates} that are open, in no order. */
  function openCandidates(selector: Selector): Iterable<Delivery> {
    if (selector.delivery !== undefined || selector.message !== undefined) return candidates(state, selector)
    const all = state.tenants.get(selector.tenant)?.endpoints
    const chosen = selector.endpoint === undefined ? all?.values() : [all?.get(selector.endpoint)]
    return [...(chosen ?? [])].flatMap((found) => (found ? rowsOf(found.lane) : []))
  }

  function retire(selector: Selector, to: Retirement, limit: number, now: Ms): number {
    const chosen: Delivery[] = []
    for (const delivery of openCandidates(selector)) {
      if (chosen.length >= limit) break
      if (delivery.end !== null || !matches(delivery, selector, now)) continue
      if (stateOf(delivery, now) === 'sending' && !selector.states?.includes('sending')) continue
      chosen.push(delivery)
    }
    for (const delivery of chosen) {
      lanes.take(laneOf(delivery), delivery, now)
      endDelivery(state, delivery, to.state, to.reason, now)
    }
    return chosen.length
  }

  function revive(selector: Selector, limit: number, cursor: string | undefined, dryRun: boolean, now: Ms): Revival {
    const counts = { revived: 0, inFlight: 0, expired: 0, blocked: 0 }
    let left = limit
    let last = ''
    for (const delivery of ascending(candidates(state, selector), cursor)) {
      if (!matches(delivery, selector, now)) continue
      if (left-- <= 0) return { ...counts, next: last }
      last = delivery.id
      const outlook = outlookOf(delivery, now)
      counts[outlook]++
      if (outlook === 'revived' && !dryRun) reviveOne(delivery, now)
    }
    return counts
  }

  /** What becomes of a delivery that is to be revived. */
  function outlookOf(delivery: Delivery, now: Ms): 'revived' | 'inFlight' | 'expired' | 'blocked' {
    if (stateOf(delivery, now) === 'sending') return 'inFlight'
    if (delivery.message.expired) return 'expired'
    return endpoints.get(delivery.endpointId)?.endpoint.state === 'enabled' ? 'revived' : 'blocked'
  }

  function reviveOne(delivery: Delivery, now: Ms): void {
    const { lane } = endpoints.get(delivery.endpointId) as Registered
    if (delivery.waits) unchain(state, delivery, now)
    if (delivery.end === null) lanes.postpone(lane, delivery, now, now)
    else {
      lanes.add(lane, delivery, now, now)
      delivery.message.open++
    }
    delivery.end = null
    delivery.reason = null
    delivery.step = 0
    delivery.claims = 0
    delivery.bornAt = now
    delivery.trigger = 'manual'
  }

  function add(messageId: string, given: NewDelivery, now: Ms): boolean {
    const message = state.messages.get(messageId)
    const to = endpoints.get(given.endpointId)
    if (message === undefined || message.expired || marks.has(message)) return false
    if (to?.endpoint.state !== 'enabled' || to.endpoint.tenant !== message.stored.tenant) return false
    if (message.deliveries.some(({ endpointId }) => endpointId === given.endpointId)) return false
    const delivery = newDelivery(given, message, 'manual', now)
    insertDelivery(state, delivery)
    lanes.add(to.lane, delivery, now, now)
    return true
  }

  function hold({ endpointId, forMs, warned, ...rest }: LaneChange, now: Ms): Applied {
    const lane = endpoints.get(endpointId)?.lane
    if (lane === undefined) return 'stale'
    const wanted: Partial<Changeable> = {
      ...rest,
      ...(forMs !== undefined && { heldUntil: forMs === null ? 0 : Math.max(lane.heldUntil, now + forMs) }),
    }
    const changed = Object.entries(wanted).filter(([name, value]) => value !== lane[name as keyof Changeable])
    if (changed.length > 0) lanes.change(lane, Object.fromEntries(changed), now)
    if (warned === undefined || warned === lane.health.warned) return changed.length > 0 ? 'applied' : 'stale'
    lane.health.warned = warned
    return 'applied'
  }

  function depth(now: Ms): Depth {
    let [due, open, heldEndpoints, oldest] = [0, 0, 0, now]
    for (const { lane } of endpoints.values()) {
      if (lane.heldUntil > now || lane.paused) heldEndpoints++
      for (const { dueAt } of rowsOf(lane)) {
        open++
        if (dueAt > now) continue
        due++
        oldest = Math.min(oldest, dueAt)
      }
    }
    const since = Math.min(
      due === 0 ? Number.POSITIVE_INFINITY : oldest,
      marks.peek()?.dueAt ?? Number.POSITIVE_INFINITY,
    )
    return {
      unexpanded: marks.size,
      due,
      open,
      oldestDueMs: since > now ? null : now - since,
      heldEndpoints,
      at: new Date(now),
    }
  }

  return {
    claim: (options) =>
      state.run((now) => {
        const claimed = lanes.claim(options, now, (delivery) => found(delivery, now))
        for (const delivery of claimed) if (delivery.waits) overtake(state, delivery, now)
        return claimed.map((delivery) => leaseOf(delivery, options.leaseMs, now))
      }),
    settle: (settlements) => state.run((now) => settlements.map((settlement) => settle(settlement, now))),
    release: (leases) =>
      state.run((now) => {
        for (const lease of leases) release(lease, now)
      }),
    nextDueInMs: () =>
      state.run((now) => {
        const next = Math.min(lanes.nextReadyAt(), marks.peek()?.dueAt ?? Number.POSITIVE_INFINITY)
        return next === Number.POSITIVE_INFINITY ? null : Math.max(0, next - now)
      }),
    hold: (changes) => state.run((now) => changes.map((change) => hold(change, now))),
    lanes: (ids) =>
      state.run((now) =>
        [...new Set(ids)].flatMap((id) => {
          const lane = endpoints.get(id)?.lane
          return lane === undefined ? [] : [laneViewOf(id, lane, now)]
        }),
      ),
    add: (wanted) =>
      state.run((now) => {
        const all = wanted.flatMap(({ messageId, deliveries }) => deliveries.map((one) => ({ messageId, one })))
        return all.filter(({ messageId, one }) => add(messageId, one, now)).length
      }),
    retire: (selector, to, limit) => state.run((now) => retire(selector, to, limit, now)),
    revive: (selector, limit, cursor, dryRun = false) =>
      state.run((now) => revive(selector, limit, cursor, dryRun, now)),
    depth: () => state.run(depth),
  }
}
