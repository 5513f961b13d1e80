import { isHooksError, type MaybePromise, type Ms, type Queue, systemClock } from '@hooks/core'
import type { Expectation } from '../storage-cases/world.ts'
import type { VirtualClock } from '../virtual-clock.ts'

/** What a queue is able to, for the suite to know what it may ask. */
export interface QueueFacts {
  /** `injected`: it sleeps on the clock that `make` is given. `own`: time passes by itself. */
  readonly clock: 'injected' | 'own'
  /** Whether it reaches other processes. */
  readonly processes: 'one' | 'many'
  /** Whether there is a server that can be away. */
  readonly server: boolean
}

/** A fresh queue under test, and what the suite needs around it. */
export interface QueueSubject {
  readonly queue: Queue
  /** Another connection to the same queue, made the way another process would. Needed if `facts.processes` is `many`. */
  readonly second?: Queue
  /** Takes the server away from both, and gives it back without what it held. Needed if `facts.server`. */
  readonly outage?: { begin(): MaybePromise<void>; end(): MaybePromise<void> }
  /** Lets go of everything. The queues may be closed already. */
  close(): Promise<void>
}

/** What a case can need that not every queue has. */
export type QueueNeed = 'second connection' | 'server'

/** One promise of the port, and the test of it. */
export interface QueueCase {
  readonly title: string
  readonly needs: readonly QueueNeed[]
  readonly run: (world: QueueWorld) => Promise<void>
}

/** A case. Without `needs` it is for every queue. */
export const promise = (title: string, run: QueueCase['run'], ...needs: readonly QueueNeed[]): QueueCase => ({
  title,
  needs,
  run,
})

/** The fact that excuses a queue from a need, as it is printed; undefined where it must have it. */
export function excuse(need: QueueNeed, facts: QueueFacts): string | undefined {
  if (need === 'second connection') return facts.processes === 'one' ? "facts.processes is 'one'" : undefined
  return facts.server ? undefined : 'facts.server is false'
}

/** How long something may take on a machine that has other things to do. No case passes because it was slow. */
const PATIENCE: Ms = 30_000
const STEP: Ms = 10

/** Somebody who listens, and what was seen of it. */
export interface Listener {
  /** Calls of `onRing`, by the time at which they began. */
  readonly began: readonly Ms[]
  readonly running: number
  /** The most that ran at a time. */
  readonly most: number
  /** Calls whose signal was aborted while they ran. */
  readonly aborted: number
  readonly errors: readonly unknown[]
  stop(drainMs: Ms): Promise<void>
}

/** The world of one case. */
export type QueueWorld = ReturnType<typeof openWorld>

/** Opens the world of one case. */
export function openWorld(
  subject: QueueSubject,
  facts: QueueFacts,
  clock: VirtualClock,
  expect: (actual: unknown) => Expectation,
) {
  const injected = facts.clock === 'injected'
  const now = (): Ms => (injected ? clock : systemClock).monotonic()
  const pass = (ms: Ms): Promise<void> => (injected ? clock.advance(ms) : systemClock.sleep(ms))

  /** Lets time pass until something is so. */
  async function until(what: string, isSo: () => boolean): Promise<void> {
    const end = now() + PATIENCE
    while (!isSo()) {
      if (now() >= end) throw new Error(`not within ${PATIENCE / 1_000} s: ${what}`)
      await pass(STEP)
    }
  }

  /** Lets time pass until `work` is over. */
  async function settle<T>(what: string, work: Promise<T>): Promise<T> {
    let over = false
    const end = () => {
      over = true
    }
    work.then(end, end)
    await until(what, () => over)
    return work
  }

  /** How `work` ended: `ok`, or the code of its error. */
  const outcome = async (work: Promise<unknown>): Promise<string> => {
    try {
      await settle('it ends', work)
      return 'ok'
    } catch (error) {
      return isHooksError(error) ? error.code : String(error)
    }
  }

  /** Listens with `answer`, which does nothing where it is not given. */
  async function listen(
    queue: Queue,
    answer: (signal: AbortSignal, call: number) => MaybePromise<void> = () => {},
    concurrency = 1,
  ): Promise<Listener> {
    const began: Ms[] = []
    const errors: unknown[] = []
    const seen = { began, errors, running: 0, most: 0, aborted: 0 }
    const listening = await queue.listen(
      async (signal) => {
        began.push(now())
        seen.most = Math.max(seen.most, ++seen.running)
        try {
          await answer(signal, began.length)
        } finally {
          seen.running--
          if (signal.aborted) seen.aborted++
        }
      },
      { concurrency, onError: (error) => errors.push(error) },
    )
    return Object.assign(seen, { stop: (drainMs: Ms) => listening.stop(drainMs) })
  }

  /** Until an answer is let go, or its signal aborts: for calls that take as long as a case wants. */
  function gate(): { wait(signal: AbortSignal): Promise<void>; open(): void } {
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    return {
      open,
      wait: (signal) =>
        Promise.race([
          opened,
          new Promise<void>((resolve) => {
            if (signal.aborted) resolve()
            signal.addEventListener('abort', () => resolve(), { once: true })
          }),
        ]),
    }
  }

  /** Rings until `heard` is so: for cases about who hears, where one ring may go to another. */
  async function ringUntil(what: string, queue: Queue, heard: () => boolean): Promise<void> {
    const end = now() + PATIENCE
    while (!heard()) {
      if (now() >= end) throw new Error(`not within ${PATIENCE / 1_000} s of rings: ${what}`)
      await settle('a ring is taken', queue.ring(0))
      await pass(50)
    }
  }

  function second(): Queue {
    if (!subject.second) throw new Error("make() must return `second`, because facts.processes is 'many'")
    return subject.second
  }

  function outage(): NonNullable<QueueSubject['outage']> {
    if (!subject.outage) throw new Error('make() must return `outage`, because facts.server is true')
    return subject.outage
  }

  return { expect, queue: subject.queue, second, outage, now, pass, until, settle, outcome, listen, gate, ringUntil }
}
