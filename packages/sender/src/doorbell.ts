import { backoff, isHooksError, type Listening, type Ms, type Queue, QueueError, type Seams } from '@hooks/core'

/** What {@link createDoorbell} needs. */
export interface DoorbellOptions extends Seams {
  readonly queue: Queue
  /** Somebody rang: looks for work. */
  readonly answer: () => void
  /** Whether this process could start something. One that could not hands a ring on. */
  readonly free: () => boolean
}

/** How the processes of a sender tell each other of work. */
export interface Doorbell {
  /** Work is due in `inMs`: tells others. It costs the caller nothing, and never throws. */
  ring(inMs: Ms): void
  /** Begins to listen, and tries until it does, unless the queue was closed. Idempotent. */
  listen(): void
  /** Listens no more. Rings still go out. */
  stopListening(): Promise<void>
  /** Until the last ring has left, within bounds. */
  flush(): Promise<void>
  /** `failing`: the queue failed within the last minute, and has not been seen to work since. */
  readonly state: 'ok' | 'failing'
}

/** Rings of such a time are one: a thousand sends in a row make fifty rings a second. */
const GATHER_MS: Ms = 20
/** A ring that would be sooner by no more than this than one already made is not made. */
const SAME_MS: Ms = 50
/** A queue that has not taken a ring by then is not waited for. */
const TAKE_MS: Ms = 5_000
const STOP_MS: Ms = 2_000
const FLUSH_MS: Ms = 500
/** How long a process without a free slot keeps a ring before it rings again. */
const HAND_ON_MS: Ms = 100
/** Between two reports of a queue that goes on failing; and how long a failure counts. */
const REPORT_MS: Ms = 60_000

/**
 * Rings and listens by `queue`, which may do either badly: a ring is made beside the work and never waited for, one at a
 * time, and not at all for a while after a failure. What that loses, polling finds.
 */
export function createDoorbell({ queue, answer, free, clock, random, logger }: DoorbellOptions): Doorbell {
  let wanted = false
  let ringing: Promise<void> | undefined
  /** When the soonest ring that was made ahead is heard. */
  let soonest: Ms = Number.NEGATIVE_INFINITY
  let failures = 0
  let quietUntil: Ms = Number.NEGATIVE_INFINITY
  let failedAt: Ms | undefined
  let reportedAt: Ms | undefined
  let listening: Promise<Listening | undefined> | undefined
  const stopping = new AbortController()

  /** One ring. Whether the queue took it. */
  async function attempt(inMs: Ms): Promise<boolean> {
    if (clock.monotonic() < quietUntil) return false
    const taken = new AbortController()
    const late = clock.sleep(TAKE_MS, taken.signal).then(() => {
      throw new QueueError('queue_unavailable', `the queue did not take a ring within ${TAKE_MS} ms`)
    })
    // A queue that throws where it should reject must not keep the race from being run: `late` would reject on its own.
    const ring = async () => queue.ring(inMs)
    try {
      await Promise.race([ring(), late])
      works()
      failures = 0
      return true
    } catch (error) {
      fails(error)
      quietUntil = clock.monotonic() + backoff(++failures, random, { firstMs: 500, mostMs: 30_000 })
      return false
    } finally {
      taken.abort('taken')
    }
  }

  async function ringNow(): Promise<void> {
    while (wanted) {
      wanted = false
      await attempt(0)
      await clock.sleep(GATHER_MS)
    }
    ringing = undefined
  }

  async function ringAhead(inMs: Ms): Promise<void> {
    const now = clock.monotonic()
    const at = now + inMs
    // Whoever hears the sooner one looks when the next is due.
    if (soonest > now && soonest <= at + SAME_MS) return
    soonest = at
    if (!(await attempt(inMs)) && soonest === at) soonest = Number.NEGATIVE_INFINITY
  }

  async function onRing(signal: AbortSignal): Promise<void> {
    works()
    answer()
    if (free()) return
    // Kept for a moment, so that the next rings reach others; then rung again, for one that has become free.
    await clock.sleep(HAND_ON_MS, signal)
    if (!free()) ring(0)
  }

  async function listen(): Promise<Listening | undefined> {
    for (let tries = 1; !stopping.signal.aborted; tries++) {
      try {
        return await queue.listen(onRing, { concurrency: 1, onError: fails })
      } catch (error) {
        fails(error)
        if (isHooksError(error, 'queue_closed')) return undefined
        await clock.sleep(backoff(tries, random, { firstMs: 500, mostMs: 30_000 }), stopping.signal)
      }
    }
    return undefined
  }

  function fails(error: unknown): void {
    failedAt = clock.monotonic()
    if (reportedAt !== undefined && failedAt < reportedAt + REPORT_MS) return
    reportedAt = failedAt
    logger.warn({ error }, 'hooks: the queue fails; work of other processes is found by polling')
  }

  function works(): void {
    if (failedAt !== undefined) logger.info({}, 'hooks: the queue works again')
    failedAt = undefined
    reportedAt = undefined
  }

  function ring(inMs: Ms): void {
    if (clock.monotonic() < quietUntil) return
    if (inMs > 0) return void ringAhead(inMs)
    wanted = true
    ringing ??= ringNow()
  }

  /** Until `work` is over, `ms` at most. */
  async function within(ms: Ms, work: Promise<unknown> | undefined): Promise<void> {
    const over = new AbortController()
    await Promise.race([work, clock.sleep(ms, over.signal)])
    over.abort()
  }

  return {
    ring,
    listen() {
      listening ??= listen()
    },
    async stopListening() {
      stopping.abort()
      // One that begins to listen later than it is waited for is stopped all the same.
      const stopped = listening?.then((one) => one?.stop(STOP_MS / 2)).catch(fails)
      await within(STOP_MS, stopped)
    },
    flush: () => within(FLUSH_MS, ringing),
    get state() {
      return failedAt !== undefined && clock.monotonic() < failedAt + REPORT_MS ? 'failing' : 'ok'
    },
  }
}
