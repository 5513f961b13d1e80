import type { Applied, ClaimOptions, Lease, Leases } from '../ports/lease.ts'
import type { Ms, Seams } from '../seams.ts'
import { backoff } from './backoff.ts'
import { createBell } from './bell.ts'
import { gatherMs } from './gather.ts'
import { createRate } from './rate.ts'
import { createSettler } from './settler.ts'
import { Until } from './until.ts'

/** What {@link createWorkLoop} drives. */
export interface WorkLoopOptions<L extends Lease, Outcome> extends Seams {
  readonly leases: Pick<Leases<L, Outcome>, 'settle' | 'nextDueInMs'> & {
    claim(options: ClaimOptions): Promise<readonly L[]>
    /** Gives back what was claimed, and not begun. */
    release(leases: readonly L[]): Promise<unknown>
  }
  readonly worker: string
  /** How many pieces of work run at a time. As many may be done and on their way to the store, and as many wait for a slot. */
  readonly concurrency: number
  readonly leaseMs: Ms
  /** The longest that due work of other processes stays unseen. */
  readonly pollMs: Ms
  /** A drain starts nothing when it has less than this left. */
  readonly leastRunMs?: Ms
  /**
   * Does the work. It must be over when `endsAt` (monotonic) comes or `signal` aborts: past the end of its lease,
   * another worker has it. Null is for work that was not begun, and is given back. A rejection is a bug of the caller's: it is logged, and the lease runs out.
   */
  run(lease: L, until: { readonly endsAt: Ms; readonly signal: AbortSignal }): Promise<Outcome | null>
  /** After each claim that worked, once what it brought runs, or waits for a slot. It asked for `limit`. */
  claimed?(count: number, limit: number): void
  /** After each settlement, in the order of settling. */
  settled?(lease: L, outcome: Outcome, applied: Applied): void
}

/** Work that is claimed, run and settled, for ever or until none is due. */
export interface WorkLoop {
  /** Begins to claim. Idempotent. */
  start(): void
  /** Work may be due: looks now, not at the next poll. */
  wake(): void
  /** Claims no more, waits `drainMs` for what runs, then aborts it. What was claimed and not started is released. */
  stop(drainMs: Ms): Promise<void>
  /** Claims and runs what is due until nothing is, or `maxMs` is nearly over. Waits for no later due time. */
  drain(maxMs: Ms): Promise<void>
  /** How many pieces are running or being settled. */
  readonly running: number
  /** Whether it claims by itself. */
  readonly started: boolean
}

/** The part of a lease that is kept for settling. */
const SETTLE_MARGIN: Ms = 2_000
/** The part of a drain's budget that is kept for settling. */
const DRAIN_MARGIN: Ms = 1_000
/** A claim for this part of the slots is as good as one for all. */
const WORTHWHILE = 0.75
/** What ends while a claim is under way does so again in the wait for the next one, and during that. */
const AHEAD = 3
/** The longest that a lease waits for a slot before others may have it. */
const LONGEST_READY: Ms = 250

/** A lease that waits for a slot. */
interface Ready<L> {
  readonly lease: L
  readonly claimedAt: Ms
  readonly readyAt: Ms
  /** When the work must be over, though the lease lasts longer. */
  readonly latest: Ms
  mayStart(): boolean
}

/**
 * The one loop for everything that is claimed, run and settled. It claims whenever a slot is free (no batch is
 * waited for), and settles in groups: what ends while a settlement is under way goes with the next. Work leaves its slot
 * when it is done, not when that is settled: the next is claimed and runs meanwhile. Where settling fails, claiming ends with as much to settle as there are slots.
 *
 * It asks for no more than it can start soon: for the free slots, and for those that will be free by then, going by how fast
 * they have been left. That is none where work takes long. What waits for a slot after all is given back.
 *
 * A claim costs a store much the same for one and for thirty. So while other work runs, it waits for more slots, for as
 * long as the last claim took, and 5 ms at most. Settlements do not wait: what holds them up holds up their slots.
 */
export function createWorkLoop<L extends Lease, Outcome>(options: WorkLoopOptions<L, Outcome>): WorkLoop {
  const { leases, clock, random, logger, concurrency } = options
  const bell = createBell(clock)
  const settler = createSettler<Outcome>({ leases, clock, random, logger })
  // One controller for each piece of work that asks for it: a signal that a hundred of them listened to would be
  // reported as a leak, and one for each that does not ask would cost more than the claim.
  const controllers = new Set<AbortController>()
  let running = 0
  /** Of these, how many are done and not settled yet. */
  let settling = 0
  /** Slots that a claim under way has asked for: a drain beside the loop must not ask for them again. */
  let claiming = 0
  /** How long the last claim took that brought something. */
  let claimTookMs: Ms = 0
  /** What was claimed for slots that are not free yet. */
  let ready: Ready<L>[] = []
  /** For how many such slots to claim. */
  let ahead = 0
  const leaving = createRate(clock.monotonic())
  let looping: Promise<void> | undefined
  let stopping = false
  /** The loop waits for more slots than there are, or for a moment. */
  let isGathering = false

  const freeSlots = () => Math.min(concurrency - (running - settling), 2 * concurrency - running)
  /** How many to claim. */
  const claimable = () => (running < 2 * concurrency ? freeSlots() + ahead - ready.length - claiming : 0)

  const isWorthwhile = () => running === 0 || claimable() >= concurrency * WORTHWHILE

  /** A slot is free, or will be. */
  function tellFree(): void {
    if (!isGathering || isWorthwhile()) bell.ring()
  }

  /** One claim. Returns how many were started, or null where the store failed. */
  async function claim(mayStart: () => boolean, latest: Ms): Promise<number | null> {
    const claimedAt = clock.monotonic()
    const limit = claimable()
    let claimed: readonly L[]
    claiming += limit
    try {
      claimed = await leases.claim({ worker: options.worker, limit, leaseMs: options.leaseMs })
    } catch (error) {
      logger.error({ error }, 'hooks: claiming work failed; it is tried again')
      return null
    } finally {
      claiming -= limit
    }
    const readyAt = clock.monotonic()
    if (claimed.length > 0) claimTookMs = readyAt - claimedAt
    ahead = Math.min(concurrency, Math.floor(AHEAD * claimTookMs * leaving.perMs(readyAt)))
    // An answer that was long on its way may bring leases that are as good as over.
    const fresh = claimed.filter(({ leaseLeftMs }) => mayStart() && readyAt < claimedAt + leaseLeftMs - SETTLE_MARGIN)
    if (fresh.length < claimed.length) await release(claimed.filter((lease) => !fresh.includes(lease)))
    for (const lease of fresh) ready.push({ lease, claimedAt, readyAt, latest, mayStart })
    fill()
    options.claimed?.(claimed.length, limit)
    return fresh.length
  }

  /** Begins what is ready, as far as there are slots for it. */
  function fill(): void {
    for (let i = 0; i < ready.length && freeSlots() > 0; ) {
      if (ready[i]?.mayStart()) for (const one of ready.splice(i, 1)) void work(one)
      else i++
    }
  }

  /** Gives back what has waited for a slot since `before`. Nothing is claimed ahead for a while then. */
  async function releaseReady(before: Ms): Promise<void> {
    const tired = ready.filter(({ readyAt }) => readyAt <= before)
    if (tired.length === 0) return
    ahead = 0
    leaving.forget(clock.monotonic())
    ready = ready.filter((one) => !tired.includes(one))
    await release(tired.map(({ lease }) => lease))
  }

  /** `ms`, or as long as what is ready may wait. */
  const untilTired = (ms: Ms) => (ready.length > 0 ? Math.min(ms, LONGEST_READY) : ms)

  async function release(unstarted: readonly L[]): Promise<void> {
    try {
      await leases.release(unstarted)
    } catch (error) {
      logger.warn({ error }, 'hooks: releasing work failed; its lease runs out')
    }
  }

  async function work({ lease, claimedAt, latest }: Ready<L>): Promise<void> {
    running++
    const until = new Until(Math.min(claimedAt + lease.leaseLeftMs - SETTLE_MARGIN, latest), controllers)
    try {
      const outcome = await options.run(lease, until)
      if (outcome === null) return await release([lease])
      settling++
      leaving.count()
      fill()
      tellFree()
      const applied = await settler.settle(
        { key: lease.key, token: lease.token, ...outcome },
        claimedAt + lease.leaseLeftMs,
      )
      settling--
      if (applied) options.settled?.(lease, outcome, applied)
    } catch (error) {
      logger.error({ error, key: lease.key }, 'hooks: work ended without an outcome; its lease runs out')
    } finally {
      running--
      fill()
      until.forget()
      tellFree()
    }
  }

  async function loop(): Promise<void> {
    let failures = 0
    while (!stopping) {
      bell.clear()
      await releaseReady(clock.monotonic() - LONGEST_READY)
      let waitMs = options.pollMs
      if (claimable() > 0) {
        await untilWorthwhile()
        if (stopping) break
        // What was ready has begun meanwhile, and there is as much to settle as there may be.
        if (claimable() <= 0) continue
        const started = await claim(() => !stopping, Number.POSITIVE_INFINITY)
        failures = started === null ? failures + 1 : 0
        if (started === null) waitMs = backoff(failures, random, { firstMs: 500, mostMs: 30_000 })
        else if (started > 0) continue
        else waitMs = await nextPoll()
      }
      if (!stopping) await bell.wait(untilTired(waitMs))
    }
    await releaseReady(Number.POSITIVE_INFINITY)
  }

  async function untilWorthwhile(): Promise<void> {
    // What ends in this turn of the event loop leaves its slots for one claim.
    if (running > 0) await clock.turn?.()
    const end = clock.monotonic() + gatherMs(claimTookMs)
    isGathering = true
    while (!stopping && !isWorthwhile() && clock.monotonic() < end) {
      bell.clear()
      await bell.wait(end - clock.monotonic())
    }
    isGathering = false
  }

  async function nextPoll(): Promise<Ms> {
    try {
      const due = await leases.nextDueInMs()
      // Never 0: what is due and was not claimed waits for a slot of its lane, which rings the bell here.
      return Math.min(options.pollMs, Math.max(due ?? options.pollMs, 5))
    } catch {
      return options.pollMs
    }
  }

  /** Waits until nothing runs, `ms` at most. */
  async function idle(ms: Ms): Promise<void> {
    const end = clock.monotonic() + ms
    while (running > 0 && clock.monotonic() < end) {
      bell.clear()
      await bell.wait(Math.min(options.pollMs, end - clock.monotonic()))
    }
  }

  return {
    get running() {
      return running
    },
    get started() {
      return looping !== undefined && !stopping
    },
    start() {
      if (looping !== undefined) return
      stopping = false
      looping = loop()
    },
    wake: () => bell.ring(),
    async stop(drainMs) {
      stopping = true
      bell.ring()
      await looping
      looping = undefined
      await idle(drainMs)
      if (running > 0) {
        for (const controller of controllers) controller.abort()
        await idle(SETTLE_MARGIN)
      }
      bell.close()
    },
    async drain(maxMs) {
      const end = clock.monotonic() + maxMs
      const leastRunMs = Math.max(options.leastRunMs ?? 0, 1)
      const mayStart = () => end - clock.monotonic() >= leastRunMs
      while (mayStart()) {
        bell.clear()
        await releaseReady(clock.monotonic() - LONGEST_READY)
        const started = claimable() > 0 ? await claim(mayStart, end - DRAIN_MARGIN) : 0
        if (started === null) break
        if (started === 0 && running === 0 && claiming === 0) break
        if (started === 0) await bell.wait(Math.min(untilTired(options.pollMs), Math.max(0, end - clock.monotonic())))
      }
      if (looping === undefined) await releaseReady(Number.POSITIVE_INFINITY)
      await idle(Math.max(0, end - clock.monotonic()))
      if (looping === undefined) bell.close()
    },
  }
}
