import type { Applied, ClaimOptions, Lease, LeaseRef, Leases } from '../ports/lease.ts'
import type { Ms, Seams } from '../seams.ts'
import { backoff } from './backoff.ts'
import { createBell } from './bell.ts'

/** What {@link createWorkLoop} drives. */
export interface WorkLoopOptions<L extends Lease, Outcome> extends Seams {
  readonly leases: Pick<Leases<L, Outcome>, 'settle' | 'release' | 'nextDueInMs'> & {
    claim(options: ClaimOptions): Promise<readonly L[]>
  }
  readonly worker: string
  /** How many pieces of work run at a time. As many may be done and on their way to the store. */
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
  /** After each claim that worked, once what it brought has begun to run. It asked for `limit`. */
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
const LARGEST_BATCH = 200
/** The longest that a busy loop waits for more to go with a call. */
const LONGEST_GATHER: Ms = 5
/** A store that answers within this gains nothing from larger groups, and no timer is as short. */
const FAST: Ms = 1
/** A claim for this part of the slots is as good as one for all. */
const WORTHWHILE = 3 / 4

/**
 * The one loop for everything that is claimed, run and settled. It claims whenever a slot is free (no batch is
 * waited for), no more than it can start at once, and settles in groups: what ends while a settlement is under
 * way goes with the next. Work leaves its slot when it is done, not when that is settled: the next is claimed and runs
 * meanwhile. Where settling fails, claiming ends with as much to settle as there are slots.
 *
 * A call costs a store much the same for one and for thirty. So while other work runs, claims and settlements wait for
 * company, for as long as the last such call took, and 5 ms at most.
 */
export function createWorkLoop<L extends Lease, Outcome>(options: WorkLoopOptions<L, Outcome>): WorkLoop {
  const { leases, clock, random, logger, concurrency } = options
  const bell = createBell(clock)
  const settler = createSettler()
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
  let looping: Promise<void> | undefined
  let stopping = false

  const free = () => Math.min(concurrency - (running - settling), 2 * concurrency - running) - claiming

  /** One claim. Returns how many were started, or null where the store failed. */
  async function claim(mayStart: () => boolean, latest: Ms): Promise<number | null> {
    const claimedAt = clock.monotonic()
    const limit = free()
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
    if (claimed.length > 0) claimTookMs = clock.monotonic() - claimedAt
    // An answer that was long on its way may bring leases that are as good as over.
    const fresh = claimed.filter(
      ({ leaseLeftMs }) => mayStart() && clock.monotonic() < claimedAt + leaseLeftMs - SETTLE_MARGIN,
    )
    if (fresh.length < claimed.length) await release(claimed.filter((lease) => !fresh.includes(lease)))
    for (const lease of fresh) void work(lease, claimedAt, latest)
    options.claimed?.(claimed.length, limit)
    return fresh.length
  }

  async function release(unstarted: readonly L[]): Promise<void> {
    try {
      await leases.release(unstarted.map(({ key, token }) => ({ key, token })))
    } catch (error) {
      logger.warn({ error }, 'hooks: releasing work failed; its lease runs out')
    }
  }

  async function work(lease: L, claimedAt: Ms, latest: Ms): Promise<void> {
    running++
    let controller: AbortController | undefined
    const until = {
      endsAt: Math.min(claimedAt + lease.leaseLeftMs - SETTLE_MARGIN, latest),
      get signal() {
        controller ??= new AbortController()
        controllers.add(controller)
        return controller.signal
      },
    }
    try {
      const outcome = await options.run(lease, until)
      if (outcome === null) return await release([lease])
      settling++
      bell.ring()
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
      if (controller) controllers.delete(controller)
      bell.ring()
    }
  }

  async function loop(): Promise<void> {
    let failures = 0
    while (!stopping) {
      bell.clear()
      let waitMs = options.pollMs
      if (free() > 0) {
        await untilWorthwhile()
        if (stopping) break
        const started = await claim(() => !stopping, Number.POSITIVE_INFINITY)
        failures = started === null ? failures + 1 : 0
        if (started === null) waitMs = backoff(failures, random, { firstMs: 500, mostMs: 30_000 })
        else if (started > 0) continue
        else waitMs = await nextPoll()
      }
      if (!stopping) await bell.wait(waitMs)
    }
  }

  async function untilWorthwhile(): Promise<void> {
    // What ends in this turn of the event loop leaves its slots for one claim.
    if (running > 0) await clock.turn?.()
    const end = clock.monotonic() + gatherMs(claimTookMs)
    const isWorthwhile = () => running === 0 || free() >= concurrency * WORTHWHILE
    while (!stopping && !isWorthwhile() && clock.monotonic() < end) {
      bell.clear()
      await bell.wait(end - clock.monotonic())
    }
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

  function createSettler() {
    type Item = { settlement: LeaseRef & Outcome; until: Ms; done: (applied: Applied | undefined) => void }
    const waiting: Item[] = []
    let flushing = false
    let tookMs: Ms = 0

    async function flush(): Promise<void> {
      flushing = true
      // What ends in this turn of the event loop goes together.
      await clock.turn?.()
      while (waiting.length > 0) {
        // Everything that runs may be here already.
        if (gatherMs(tookMs) > 0 && waiting.length < Math.min(running, LARGEST_BATCH))
          await clock.sleep(gatherMs(tookMs))
        const from = clock.monotonic()
        const batch = waiting.splice(0, LARGEST_BATCH)
        const applied = await settleBatch(batch)
        tookMs = clock.monotonic() - from
        for (const [i, item] of batch.entries()) item.done(applied?.[i])
      }
      flushing = false
    }

    /** Tries until the leases are over: after that, another worker has the work. */
    async function settleBatch(batch: readonly Item[]): Promise<readonly Applied[] | undefined> {
      const until = Math.max(...batch.map((item) => item.until))
      for (let failures = 1; ; failures++) {
        try {
          return await leases.settle(batch.map((item) => item.settlement))
        } catch (error) {
          const waitMs = backoff(failures, random, { firstMs: 50, mostMs: 5_000 })
          const giveUp = clock.monotonic() + waitMs >= until
          logger.error(
            { error, count: batch.length },
            `hooks: settling failed; ${giveUp ? 'given up, so it is done again' : 'it is tried again'}`,
          )
          if (giveUp) return undefined
          await clock.sleep(waitMs)
        }
      }
    }

    return {
      settle: (settlement: LeaseRef & Outcome, until: Ms) =>
        new Promise<Applied | undefined>((done) => {
          waiting.push({ settlement, until, done })
          if (!flushing) void flush()
        }),
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
        const started = free() > 0 ? await claim(mayStart, end - DRAIN_MARGIN) : 0
        if (started === null) break
        if (started === 0 && running === 0 && claiming === 0) break
        if (started === 0) await bell.wait(Math.min(options.pollMs, Math.max(0, end - clock.monotonic())))
      }
      await idle(Math.max(0, end - clock.monotonic()))
      if (looping === undefined) bell.close()
    },
  }
}

/** How long to wait for company for a call that took `ms` the last time. */
const gatherMs = (ms: Ms): Ms => (ms < FAST ? 0 : Math.min(ms, LONGEST_GATHER))
