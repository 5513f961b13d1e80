import {
  backoff,
  createWorkLoop,
  type DeliveryLease,
  type DeliveryOutcome,
  type Endpoint,
  type Ms,
  type Seams,
  type Storage,
  type WorkLoop,
} from '@hooks/core'
import type { Attempted, NotMade } from './attempt.ts'
import { createHealth } from './health.ts'
import type { Emitter } from './operational-events.ts'
import type { Policy } from './policy.ts'
import { createShares } from './shares.ts'

/** What {@link createWorker} needs. */
export interface WorkerOptions extends Seams {
  readonly storage: Storage
  readonly worker: string
  readonly policy: Policy
  readonly emitter: Emitter
  readonly attempt: (lease: DeliveryLease, endsAt: Ms) => Promise<Attempted | NotMade>
  readonly concurrency: number
  readonly endpointConcurrency: number
  readonly leaseMs: Ms
  readonly pollMs: Ms
  /** Disables an endpoint, unless it has another URL by now. Returns whether it was this call that did. */
  readonly disable: (attempted: Endpoint, reason: string) => Promise<boolean>
  /** There may be work for other processes. */
  readonly ring: (inMs: Ms) => void
}

/** The loop that delivers, and what it tells of itself. */
export interface Worker extends WorkLoop {
  readonly lastClaimAt: Date | null
  readonly paused: boolean
  /** What it lacks to make requests, as an error code, since it last made one; null for nothing. */
  readonly lacks: string | null
  /** Claims nothing more. */
  pause(): void
  resume(): void
}

/** A drain starts nothing that it could not wait for. */
const LEAST_DRAIN_RUN_MS = 3_000
/** How long an endpoint is left alone whose secrets cannot be read: until somebody has seen the log. */
const UNREADABLE_HOLD_MS = 60_000
/**
 * How long a worker claims nothing that lacks the means to make attempts, and would take the work from those that can. Hardly
 * at all at first: it may be one host alone that cannot be asked, such as one whose long answers a name server cannot carry.
 */
const REST = { firstMs: 100, mostMs: 30_000 }
/** How long an endpoint is left alone that it could not ask: where it is the way to this one alone that is lacking, the others go on. */
const UNASKED_HOLD_MS = 5_000
/** How often a worker looks while failing endpoints have all that they may have of it. */
const FULL_SHARE_POLL_MS = 100

/** Claims deliveries in shares, attempts and settles them, and keeps up the health of their endpoints. */
export function createWorker(options: WorkerOptions): Worker {
  const { storage, emitter, clock, logger, pollMs, ring } = options
  const shares = createShares(options.concurrency)
  const lacksShares = storage.facts.lacks?.includes('shares') ?? false
  const health = createHealth({ ...options, concurrency: options.endpointConcurrency })
  let lastClaimAt: Date | null = null
  let paused = false
  let stopped = false
  /** Rests in a row, without an attempt that was made between them. */
  let rests = 0
  let lacks: string | null = null
  let restsUntil: Ms = 0
  const restLeftMs = () => restsUntil - clock.monotonic()

  const loop = createWorkLoop<DeliveryLease, DeliveryOutcome>({
    ...options,
    leastRunMs: LEAST_DRAIN_RUN_MS,
    leases: {
      async claim(claim) {
        if (paused || stopped || restLeftMs() > 0) return []
        const share = lacksShares ? {} : shares.claim
        const claimed = await storage.claim({ cap: options.endpointConcurrency, ...claim, ...share })
        for (const lease of claimed) shares.begin(lease)
        lastClaimAt = clock.now()
        return claimed
      },
      settle: (settlements) => storage.settle(settlements),
      async release(leases) {
        for (const lease of leases) shares.end(lease)
        await storage.release(leases.map(({ key, token }) => ({ key, token })))
        ring(0)
      },
      async nextDueInMs() {
        if (paused) return null
        const dueInMs = await storage.nextDueInMs()
        // What is due may be of failing endpoints, for which there is no slot: the end of one of theirs wakes the loop.
        const leastMs = Math.max(restLeftMs(), shares.isFull ? FULL_SHARE_POLL_MS : 0)
        return dueInMs === null ? null : Math.max(dueInMs, leastMs)
      },
    },
    async run(lease, { endsAt }) {
      let outcome: DeliveryOutcome | null | undefined
      try {
        outcome = await deliver(lease, endsAt)
        return outcome
      } finally {
        // What is given back ends its share there.
        if (outcome !== null) shares.end(lease)
      }
    },
    claimed(count, limit) {
      // As much as it could take: there may be more, for others.
      if (count === limit) ring(0)
    },
    settled(lease, outcome, applied) {
      if (applied !== 'applied') {
        tellLate(lease, outcome)
        return
      }
      // Of what is due later, every process hears by its own poll.
      if (outcome.result === 'retry' && outcome.retryInMs < pollMs) ring(outcome.retryInMs)
      tell(lease, outcome)
      health.after(lease, outcome)
    },
  })

  async function deliver(lease: DeliveryLease, endsAt: Ms): Promise<DeliveryOutcome | null> {
    // A drain goes on when the sender is stopped: what it has claimed and not begun is given back.
    if (stopped) return null
    const attempted = await options.attempt(lease, endsAt)
    if ('lacks' in attempted) {
      if (attempted.lacks === 'means') rest(attempted)
      await health.leave(lease, attempted.lacks === 'means' ? UNASKED_HOLD_MS : UNREADABLE_HOLD_MS)
      return null
    }
    if (attempted.outcome.attempt) {
      rests = 0
      lacks = null
    }
    // Before the settlement, which makes the lane ready again.
    const held = health.before(lease, attempted)
    if (held !== undefined) await held
    if (attempted.disable) await disable(lease, attempted.disable)
    return attempted.outcome
  }

  function rest({ error, detail }: { readonly error: string; readonly detail: string }): void {
    lacks = error
    if (restLeftMs() > 0) return
    restsUntil = clock.monotonic() + backoff(++rests, options.random, REST)
    logger.error({ error, detail }, 'hooks: requests cannot be made here for now; what was due is given back')
  }

  async function disable({ endpoint }: DeliveryLease, reason: string): Promise<void> {
    const { tenant, id: endpointId } = endpoint
    try {
      const disabled = await options.disable(endpoint, reason)
      if (disabled) emitter.emit('endpoint.disabled', { tenant, endpointId, at: clock.now(), reason })
    } catch (error) {
      logger.error({ error }, 'hooks: disabling an endpoint failed')
    }
  }

  /** What had ended before stays as it ended: its endpoint was removed, say. That it was received all the same is in no table. */
  function tellLate({ key, endpoint }: DeliveryLease, outcome: DeliveryOutcome): void {
    if (outcome.result !== 'delivered') return
    const told = { deliveryId: key, endpointId: endpoint.id, status: outcome.attempt.status }
    logger.info(told, 'hooks: a delivery was received after it had ended; its record stays as it is')
  }

  function tell({ key, endpoint, attempt, delivery }: DeliveryLease, outcome: DeliveryOutcome): void {
    const { id: messageId, type, tenant } = delivery.message
    const event = { tenant, type, messageId, endpointId: endpoint.id, deliveryId: key, attempt, at: clock.now() }
    if (outcome.result === 'delivered') emitter.emit('delivery.delivered', event)
    else if (outcome.result === 'retry') {
      const { status, error } = outcome.attempt
      emitter.emit('attempt.failed', {
        ...event,
        retryInMs: outcome.retryInMs,
        ...(status !== undefined && { status }),
        ...(error !== undefined && { error }),
      })
    } else if (outcome.result === 'failed') {
      emitter.emit('delivery.failed', { ...event, reason: outcome.reason })
      if (outcome.reason === 'exhausted') emitter.emit('delivery.exhausted', event)
    }
  }

  return {
    get running() {
      return loop.running
    },
    get started() {
      return loop.started
    },
    get lastClaimAt() {
      return lastClaimAt
    },
    get paused() {
      return paused
    },
    get lacks() {
      return lacks
    },
    start: loop.start,
    wake: loop.wake,
    async stop(drainMs) {
      stopped = true
      await loop.stop(drainMs)
      await health.idle()
    },
    async drain(maxMs) {
      await loop.drain(maxMs)
      await health.idle()
    },
    pause() {
      paused = true
    },
    resume() {
      paused = false
      loop.wake()
    },
  }
}
