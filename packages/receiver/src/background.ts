import {
  ConfigurationError,
  checkOptions,
  consoleLogger,
  createWorkLoop,
  type Duration,
  type HeadersInput,
  headerBag,
  type Inbox,
  type InboxLease,
  type InboxOutcome,
  isFlat,
  kind,
  type Ms,
  newId,
  type OptionsRule,
  type Random,
  type ReceivedRequest,
  type StoredRequest,
  systemRandom,
  toMs,
  wholeFrom,
} from '@hooks/core'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import type { Kernel } from './kernel.ts'
import { signedBytes } from './replayed-bytes.ts'
import { report } from './report.ts'
import type { Proved, Seen } from './request.ts'
import { failed, isOver, type Run, runWork, type Work } from './run.ts'
import * as unusual from './unusual.ts'

/** Options of {@link background}. */
export interface BackgroundOptions {
  /**
   * The delay before each attempt but the first; its length is one less than the number of attempts. By default 5 s, 1 m,
   * 5 m, 30 m, 2 h, 5 h and 12 h. Then it is a dead letter.
   */
  readonly retry?: readonly Duration[]
  /** The most that is added to a delay, as a part of it: 0.2. Never earlier. */
  readonly jitter?: number
  /** How many handlers run at a time in this process: 10. */
  readonly concurrency?: number
  /**
   * The longest that a handler runs, and 2 s to write down what came of it: 5 minutes, 3 s at least. Then its `signal`
   * aborts, and another worker may begin anew; where it goes on all the same, its slot is for others. A crash delays its
   * message by as much.
   */
  readonly leaseMs?: Ms
  /** The longest that work accepted by another process stays unseen: 1,000. */
  readonly pollMs?: Ms
  /** Where the host gives `waitUntil` and nothing was started: how long to work after each answer, 10,000. */
  readonly afterAnswerMs?: Ms
  readonly random?: Random
  /**
   * The receiver's name in the inbox: it handles what was accepted under it, by whichever process, and nothing else. By
   * default that of its format, behind its `source` where that is text. What was accepted under another name waits for who
   * has it.
   */
  readonly name?: string
}

/** How a receiver works in the background. */
export interface BackgroundControls {
  /** Begins to handle what was accepted, by this process or another. Idempotent. */
  start(): void
  /**
   * Takes no more, gives what runs `drainMs` (10,000), then aborts it: what then throws is no attempt, and is done again
   * elsewhere, at once. Accepting goes on.
   */
  stop(options?: { readonly drainMs?: Ms }): Promise<void>
  /** Handles what is due, for at most `maxMs`: for a host that is woken by a clock. */
  drain(options: { readonly maxMs: Ms }): Promise<void>
  /** What was given up. */
  readonly deadLetters: DeadLetters
}

/** A proved message that has a handler, to be kept. */
export interface Entry {
  readonly key: string
  readonly proved: Proved
  readonly request: ReceivedRequest
  /** Of the receiver's keys; there where the bytes can come again under another id. */
  readonly scope: string | undefined
}

/** What {@link background} adds to a receiver. */
export interface Background {
  /** Never rejects. */
  accept(entry: Entry): Promise<Run>
  /** Brought along: what is accepted is told of before what becomes of it. */
  readonly unusual: typeof unusual
  readonly controls: BackgroundControls
}

/** The way to the background, as a receiver's option `inbox` takes it. */
export type InboxMode = (kernel: Kernel) => Background

const RULE: OptionsRule<keyof BackgroundOptions> = {
  of: 'background',
  kinds: {
    retry: { words: 'a list of durations', fits: Array.isArray },
    jitter: { words: 'a number', fits: Number.isFinite },
    concurrency: wholeFrom(1),
    leaseMs: kind.ms,
    pollMs: kind.ms,
    afterAnswerMs: kind.ms,
    random: kind.random,
    name: kind.text,
  },
}
const RETRY: readonly Duration[] = ['5s', '1m', '5m', '30m', '2h', '5h', '12h']
/** As for deliveries: what ended its worker so often is looked at by people. */
const MOST_CLAIMS = 5
/** The part of a lease in which an outcome is written down, and nothing is begun. */
const SETTLE_MS: Ms = 2_000
const LEAST_LEASE: Ms = SETTLE_MS + 1_000
const PRUNE_EVERY_MS: Ms = 3_600_000
const PRUNE_LIMIT = 1_000

/**
 * Accepts by a durable insert, answers 202 (or what `answers.accepted` says), and handles afterwards: with retries and
 * dead letters, in any process that has called `start()`. What was answered is handled, whatever crashes: at least once,
 * by one worker at a time within the lease.
 *
 * @throws ConfigurationError `option_invalid`
 * @example
 * const receiver = createReceiver({ contract, secret, inbox: background(postgresInbox(pool)) }).on('booking.created', book)
 * receiver.start()
 */
export function background(inbox: Inbox, options: BackgroundOptions = {}): InboxMode {
  checkOptions(options, RULE)
  const { jitter = 0.2, concurrency = 10, leaseMs = 300_000, pollMs = 1_000, afterAnswerMs = 10_000 } = options
  const { random = systemRandom } = options
  if (typeof inbox?.accept !== 'function') {
    throw new ConfigurationError('option_invalid', 'background takes an inbox', {
      hint: 'such as postgresInbox or sqliteInbox; what only remembers is for the option `idempotency`',
    })
  }
  const delays = (options.retry ?? RETRY).map((delay) => toMs(delay, 'retry'))
  if (!(leaseMs >= LEAST_LEASE)) {
    throw new ConfigurationError('option_invalid', 'leaseMs is below 3,000', {
      hint: 'the last 2 s of a lease are kept for its outcome, so a shorter one would leave no time to work',
    })
  }
  if (!(jitter >= 0)) throw new ConfigurationError('option_invalid', 'jitter is 0 or more')

  return (kernel) => {
    const { format, source, keepMs, clock, logger = consoleLogger } = kernel
    const receiver = options.name ?? `${typeof source === 'string' ? source : ''}:${format.name}`
    let upkeep: AbortController | undefined

    const loop = createWorkLoop<InboxLease, InboxOutcome>({
      leases: {
        claim: (wanted) => inbox.claim({ ...wanted, receiver }),
        settle: (settlements) => inbox.settle(settlements),
        release: (leases) => inbox.release(leases),
        nextDueInMs: () => inbox.nextDueInMs({ receiver }),
      },
      worker: newId('receiver_', clock, random),
      clock,
      random,
      logger,
      concurrency,
      leaseMs,
      pollMs,
      run: handle,
    })

    async function accept({ key, proved: { raw, keyId }, request, scope }: Entry): Promise<Run> {
      const stored: StoredRequest = {
        method: raw.method,
        url: raw.url,
        headers: pairs(request.headers),
        body: raw.body,
        keyId,
        receiver,
        receivedAt: clock.now(),
      }
      const bytes = scope && (await signedBytes(inbox, kernel, raw, scope))
      try {
        if (bytes && (await bytes.areDone())) return { outcome: 'duplicate' }
        const outcome = await inbox.accept({ key, request: stored }, { keepMs })
        if (outcome !== 'accepted') return { outcome }
      } catch (error) {
        return { outcome: 'store_unavailable', error }
      }
      if (bytes) await quietly(async () => bytes.done({}))
      if (loop.started) loop.wake()
      else await quietly(async () => request.waitUntil?.(loop.drain(afterAnswerMs)))
      return { outcome: 'accepted' }
    }

    async function handle(lease: InboxLease, until: { readonly endsAt: Ms; readonly signal: AbortSignal }) {
      const from = clock.monotonic()
      const { method, url, headers, body, keyId } = lease.request
      const seen: Seen = { raw: { method, url, headers: headerBag(headers), body }, keyId }
      const over = new AbortController()
      const stop = new AbortController()
      const abort = () => stop.abort()
      until.signal.addEventListener('abort', abort)
      void clock.sleep(until.endsAt - from, over.signal).then(() => over.signal.aborted || abort())
      const work = async (): Promise<InboxOutcome | null> => {
        const ran = lease.claims > MOST_CLAIMS ? POISON : await attempt(seen as Proved, lease, stop.signal)
        over.abort()
        until.signal.removeEventListener('abort', abort)
        // Whoever is stopped has not failed: it is given back, and is due at once, as after a crash.
        if (until.signal.aborted && ran.outcome === 'handler_failed') return null
        const outcome = settlement(ran, lease)
        const dead = outcome.result === 'dead'
        report(kernel, dead ? { ...ran, outcome: 'dead_letter' } : ran, seen, dead ? 500 : 0, from)
        return outcome
      }
      const working = work()
      const isLate = clock.sleep(until.endsAt + SETTLE_MS - from, over.signal).then(() => !over.signal.aborted)
      if (!(await Promise.race([working.then(() => false), isLate]))) return working
      // Its slot is for others now: a handler that never ends would keep it for ever, and few of them all slots.
      void working.then((outcome) => settleLate(lease, outcome))
      throw new Error('its handler goes on after its lease; let it heed its signal')
    }

    /** What ends after its lease is done all the same, if it is. */
    async function settleLate({ key, token }: InboxLease, outcome: InboxOutcome | null): Promise<void> {
      if (outcome) await quietly(() => inbox.settle([{ key, token, ...outcome }]))
    }

    async function attempt(proved: Proved, lease: InboxLease, signal: AbortSignal): Promise<Run> {
      let work: Work
      try {
        proved.content = format.read(proved.raw)
        const handler = kernel.handlerOf(proved.content.type)
        // There was one when it was accepted: the next deploy may bring it back.
        if (!handler) return { outcome: 'unknown_event', error: new Error('its type has no handler any more') }
        work = await kernel.prepare(proved, handler)
      } catch (error) {
        return failed(error)
      }
      return runWork(work, { attempt: lease.attempt, signal: () => signal, extendLease: async () => !signal.aborted })
    }

    function settlement(ran: Run, lease: InboxLease): InboxOutcome {
      if (isOver(ran) || (kernel.answers[ran.outcome]?.[0] ?? 500) < 300) return { result: 'completed' }
      if (ran === POISON) return { result: 'dead', reason: 'poison' }
      const delay = delays[lease.attempt - 1]
      if (delay === undefined) return { result: 'dead', reason: 'exhausted' }
      return { result: 'retry', retryInMs: ran.retryInMs ?? Math.round(delay * (1 + jitter * random.float())) }
    }

    async function prune(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await quietly(async () => {
          while (!signal.aborted && (await inbox.prune(PRUNE_LIMIT)).more);
        })
        await clock.sleep(PRUNE_EVERY_MS, signal)
      }
    }

    const controls: BackgroundControls = {
      start() {
        loop.start()
        if (upkeep) return
        upkeep = new AbortController()
        void prune(upkeep.signal)
      },
      async stop({ drainMs = 10_000 } = {}) {
        upkeep?.abort()
        upkeep = undefined
        await loop.stop(drainMs)
      },
      drain: ({ maxMs }) => loop.drain(maxMs),
      deadLetters: createDeadLetters(inbox, receiver, format, () => loop.wake()),
    }
    return { accept, unusual, controls }
  }
}

const POISON: Run = { outcome: 'poison', error: new Error(`${MOST_CLAIMS} workers ended while they had it`) }

/** What else failed when the request was accepted, or where only tidiness is at stake. */
async function quietly(step: () => Promise<unknown>): Promise<void> {
  try {
    await step()
  } catch {
    // The next request, or the next hour, does it.
  }
}

/** The headers as they came. @throws ConfigurationError `option_invalid` where they cannot be listed */
function pairs(headers: HeadersInput): readonly (readonly [string, string])[] {
  if (isFlat(headers)) {
    return headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? ''] as const] : []))
  }
  if (Symbol.iterator in headers) return [...(headers as Iterable<readonly [string, string]>)]
  if (typeof headers.get === 'function') {
    throw new ConfigurationError('option_invalid', 'these headers cannot be listed, so they cannot be kept')
  }
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): readonly [string, string] => [name, one]),
  )
}
