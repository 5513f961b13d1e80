import type { DeliveryLease, DeliveryOutcome, Endpoint, Lane, LaneChange, Ms, Seams, Storage } from '@hooks/core'
import type { Attempted } from './attempt.ts'
import { isFailure } from './endpoint-failure.ts'
import type { Emitter } from './operational-events.ts'
import type { DisableRule, Policy } from './policy.ts'

/** What {@link createHealth} needs. */
export interface HealthOptions extends Seams {
  readonly storage: Storage
  readonly policy: Policy
  readonly emitter: Emitter
  /** In flight per endpoint, where it has no concurrency of its own. */
  readonly concurrency: number
  /** Disables an endpoint, unless it has another URL by now. Returns whether it was this call that did. */
  readonly disable: (attempted: Endpoint, reason: string) => Promise<boolean>
}

/** What attempts mean for their endpoints: holds, probes, concurrency, warnings, and in the end a disabling. */
export interface EndpointHealth {
  /** What has to be so before the attempt is settled, which makes the lane ready again; undefined for nothing. */
  before(lease: DeliveryLease, attempted: Attempted): Promise<void> | undefined
  /** Holds an endpoint of which nothing was learnt. */
  leave(lease: DeliveryLease, forMs: Ms): Promise<void>
  /** What follows from an attempt that is on record. */
  after(lease: DeliveryLease, outcome: DeliveryOutcome): void
  /** Until all that follows is done. */
  idle(): Promise<void>
}

/** Failures in a row from which an endpoint counts as failing, and shares a part of the workers with its like. */
const FAILING_AFTER = 3
/** After this many successes in a row in this process, an endpoint that was overloaded may have one more in flight. */
const SUCCESSES_PER_STEP = 10
/** How far into the time to its disabling an endpoint's owner is told: a day and three days of five. */
const FIRST_WARNING = 1 / 5
const LAST_WARNING = 3 / 5
const DAY: Ms = 86_400_000
/** Of {@link Lane.warned}: told that it fails; told when it will be disabled; enabled again for a try. */
export const WARNED = { failing: 1, scheduled: 2, tried: 3 } as const

/**
 * Endpoint health. What is counted is counted by the storage, with the settlement and so exactly; what follows from it is
 * decided here, by whichever worker sees it first, and told once.
 */
export function createHealth(options: HealthOptions): EndpointHealth {
  const { storage, policy, emitter, logger, clock } = options
  const { breaker, disable: rule } = policy
  const countsNothing = storage.facts.lacks?.includes('health') ?? false
  /** Failures whose lanes are still to be looked at, by endpoint: the latest of each. */
  const waiting = new Map<string, DeliveryLease>()
  const successes = new Map<string, number>()
  let reviewing: Promise<void> | undefined

  const concurrencyOf = ({ endpoint }: DeliveryLease) => endpoint.settings.concurrency ?? options.concurrency

  async function guarded<T>(what: string, act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (error) {
      logger.error({ error }, `hooks: ${what} failed`)
      return undefined
    }
  }

  function changeBefore(lease: DeliveryLease, { outcome, holdMs, overloaded }: Attempted): LaneChange | null {
    const { lane, endpoint } = lease
    const failed = isFailure(outcome)
    const probeHoldMs = lane.probing && failed ? breakerHold(2 * spanOf(lane)) : 0
    const forMs = Math.max(holdMs ?? 0, probeHoldMs)
    const slower = policy.pace && overloaded && lane.cap !== 1 && concurrencyOf(lease) > 1
    if (forMs === 0 && !slower) return null
    return { endpointId: endpoint.id, ...(forMs > 0 && { forMs }), ...(slower && { cap: 1 }) }
  }

  /**
   * As long again as it has been failing, so each wait is twice the one before. What the lane says of that is the storage's
   * time; a failed probe, which is not on the lane yet, comes about as long after the last failure as that came after the first.
   */
  const breakerHold = (failingMs: Ms): Ms =>
    breaker ? Math.min(breaker.longestHoldMs, Math.max(breaker.holdMs, failingMs)) : 0

  /** An endpoint that was overloaded gets its concurrency back step by step. */
  function speedUp(lease: DeliveryLease): void {
    const { lane, endpoint } = lease
    if (lane.cap === null || !policy.pace) return
    const count = (successes.get(endpoint.id) ?? 0) + 1
    if (count < SUCCESSES_PER_STEP) return void successes.set(endpoint.id, count)
    successes.delete(endpoint.id)
    const cap = lane.cap + 1 >= concurrencyOf(lease) ? null : lane.cap + 1
    track(guarded('raising the concurrency of an endpoint', () => storage.hold([{ endpointId: endpoint.id, cap }])))
  }

  const others = new Set<Promise<unknown>>()
  function track(work: Promise<unknown>): void {
    others.add(work)
    void work.finally(() => others.delete(work))
  }

  /** Looks at the lanes of what failed, together for all that failed meanwhile. */
  async function review(): Promise<void> {
    await clock.turn?.()
    while (waiting.size > 0) {
      const batch = new Map(waiting)
      waiting.clear()
      const lanes = await guarded('reading the health of endpoints', () => storage.lanes([...batch.keys()]))
      for (const lane of lanes ?? []) {
        const lease = batch.get(lane.endpointId)
        if (lease) await guarded('keeping up the health of an endpoint', () => reviewOne(lane, lease))
      }
    }
    reviewing = undefined
  }

  async function reviewOne(lane: Lane, lease: DeliveryLease): Promise<void> {
    const change = changeAfter(lane)
    if (change) await storage.hold([change])
    const reason = reasonToDisable(rule, lane)
    if (reason !== null) {
      if (await options.disable(lease.endpoint, reason)) tell(lane, lease, 'endpoint.disabled', { reason })
      return
    }
    await warn(lane, lease)
  }

  function changeAfter(lane: Lane): LaneChange | null {
    const { endpointId, failures } = lane
    const breaks = breaker !== null && failures >= breaker.after && !lane.probing
    if (breaks) return { endpointId, failing: true, probing: true, forMs: breakerHold(spanOf(lane)) }
    return failures >= FAILING_AFTER && !lane.failing ? { endpointId, failing: true } : null
  }

  async function warn(lane: Lane, lease: DeliveryLease): Promise<void> {
    const { firstFailureAt } = lane
    if (firstFailureAt === null) return
    const afterMs = rule.by === 'time' ? rule.afterMs : 5 * DAY
    const elapsed = spanOf(lane)
    const disableAt = rule.by === 'time' ? new Date(firstFailureAt.getTime() + afterMs) : null
    const level =
      disableAt && elapsed >= afterMs * LAST_WARNING
        ? WARNED.scheduled
        : elapsed >= afterMs * FIRST_WARNING
          ? WARNED.failing
          : 0
    if (level <= lane.warned) return
    // Whoever's change is made tells, and nobody else.
    const [applied] = await storage.hold([{ endpointId: lane.endpointId, warned: level }])
    if (applied !== 'applied') return
    if (level === WARNED.scheduled && disableAt) tell(lane, lease, 'endpoint.disable_scheduled', { disableAt })
    else tell(lane, lease, 'endpoint.failing', { disableAt })
  }

  function tell<E extends 'endpoint.failing' | 'endpoint.disable_scheduled' | 'endpoint.disabled'>(
    { failures, exhausted, firstFailureAt, lastFailureAt }: Lane,
    { endpoint, key: deliveryId, delivery }: DeliveryLease,
    name: E,
    more: object,
  ): void {
    const { id: messageId, type } = delivery.message
    emitter.emit(name, {
      tenant: endpoint.tenant,
      endpointId: endpoint.id,
      at: clock.now(),
      failures,
      exhausted,
      firstFailureAt,
      lastFailureAt,
      deliveryId,
      messageId,
      type,
      ...more,
    } as never)
  }

  /**
   * Before the settlement, which forgets that there was a warning: of several workers whose requests succeed at one time,
   * the one that takes it back tells.
   */
  async function tellRecovery({ tenant, id: endpointId }: Endpoint): Promise<void> {
    const [applied] = await storage.hold([{ endpointId, warned: 0 }])
    if (applied === 'applied') emitter.emit('endpoint.recovered', { tenant, endpointId, at: clock.now() })
  }

  return {
    before(lease, attempted) {
      if (attempted.outcome.result === 'delivered') {
        if (lease.lane.warned === 0) return undefined
        return guarded('telling that an endpoint is well again', () => tellRecovery(lease.endpoint))
      }
      const change = changeBefore(lease, attempted)
      if (change === null) return undefined
      if (change.cap !== undefined) successes.delete(lease.endpoint.id)
      return guarded('holding an endpoint', async () => void (await storage.hold([change])))
    },
    async leave({ endpoint }, forMs) {
      await guarded('holding an endpoint', () => storage.hold([{ endpointId: endpoint.id, forMs }]))
    },
    after(lease, outcome) {
      if (outcome.result === 'delivered') {
        waiting.delete(lease.endpoint.id)
        return speedUp(lease)
      }
      successes.delete(lease.endpoint.id)
      if (!isFailure(outcome) || countsNothing) return
      waiting.set(lease.endpoint.id, lease)
      reviewing ??= review()
    },
    async idle() {
      while (reviewing || others.size > 0) await Promise.all([reviewing, ...others])
    },
  }
}

const spanOf = ({ firstFailureAt, lastFailureAt }: Lane): Ms =>
  firstFailureAt && lastFailureAt ? lastFailureAt.getTime() - firstFailureAt.getTime() : 0

/** Why an endpoint is to be disabled, by a rule and by what is counted; null where it is not. */
export function reasonToDisable(rule: DisableRule, lane: Lane): 'failing' | 'exhausted' | null {
  const { failures, exhausted } = lane
  if (lane.warned === WARNED.tried && failures > 0) return 'failing'
  switch (rule.by) {
    case 'never':
      return null
    case 'exhausted':
      return exhausted >= rule.after ? 'exhausted' : null
    case 'failures':
      return failures >= rule.after ? 'failing' : null
    case 'time': {
      const span = spanOf(lane)
      return span >= Math.max(rule.afterMs, rule.leastSpanMs) && failures >= rule.leastFailures ? 'failing' : null
    }
  }
}
