import { setTimeout as sleep } from 'node:timers/promises'
import { observe } from './observer.ts'
import { type HostPlan, POINTS } from './plan.ts'
import { isDone, post } from './post.ts'

/** A host that serves, at `/hooks`. */
export interface Host {
  readonly port: number
  /** Until it is over. */
  readonly over: Promise<unknown>
  /** From now on it kills itself where a message passes that point. */
  arm(point: string): Promise<unknown>
  kill(): void
}

/** A host whose code is loaded. */
export interface Ready {
  serve(plan: HostPlan): Promise<Host>
  kill(): void
}

/** Where hosts come from. */
export interface Stage {
  readonly frameworks: readonly string[]
  standBy(): Promise<Ready>
}

/** How many rounds of kills, and how. */
export interface Rounds {
  readonly rounds: number
  /** How often the message of a round comes at once. */
  readonly copies: number
  /** Whether the points take turns with a kill at some moment. */
  readonly random?: boolean
  /** A lease that is left to run out by itself. Without it, whoever saw a host die ends those that it had. */
  readonly leaseMs?: number
}

/** What rounds of kills came to. */
export interface Report {
  readonly rounds: number
  /** By framework and by the name of the point, how often a host was killed there. */
  readonly kills: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Messages whose effect is nowhere, though they were answered with 2xx in the end. */
  readonly lost: readonly string[]
  /** Messages with more than one effect. */
  readonly repeated: readonly string[]
  /** Answers of 2xx whose first byte came before the effect, or in the background the request, was committed. */
  readonly early: readonly string[]
  /** Messages that were never answered with 2xx. */
  readonly unanswered: readonly string[]
}

/** How often a message that was not answered comes again at once. */
const RETRIES = 4
const PATIENCE_MS = 60_000
/** Longer than the slowest machine takes for a message. */
const LEASE_MS = 60_000

/**
 * Frameworks and points take turns, so that each is killed at each. In every round a message comes many times at once, and
 * the host is killed where it passes the round's point (or, for `random`, at some moment). Then a host is started anew, and
 * the senders go on until one of them is answered with 2xx.
 */
export async function play(
  stage: Stage,
  { mode, database, ...faults }: Pick<HostPlan, 'mode' | 'database' | 'isHasty'>,
  { rounds, copies, random = false, leaseMs }: Rounds,
): Promise<Report> {
  const plan: Omit<HostPlan, 'framework'> = { mode, database, leaseMs: leaseMs ?? LEASE_MS, ...faults }
  const observer = await observe(database)
  const points: readonly string[] = random ? [...POINTS[mode], 'random'] : POINTS[mode]
  const kills: Record<string, Record<string, number>> = {}
  const early: string[] = []
  const unanswered: string[] = []
  const ids = Array.from({ length: rounds }, (_, i) => `msg_${i}`)
  const promised = new Set<string>()
  // Every time that all points had their turn, they go on to the next framework.
  const frameworkOf = (round: number) =>
    stage.frameworks[((round % points.length) + Math.floor(round / points.length)) % stage.frameworks.length] as string
  // One stands by: to load a host's code takes longer than all the rest of a round.
  let next = stage.standBy()
  const start = async (round: number): Promise<Host> => {
    const ready = await next
    next = stage.standBy()
    return ready.serve({ ...plan, framework: frameworkOf(round) })
  }
  let host = await start(0)

  /** Attempts at once. Whether one of them was answered with 2xx. */
  const send = async (id: string, times: number): Promise<boolean> => {
    const answered = async (status: number) => {
      if (!isDone(status)) return
      promised.add(id)
      const there = mode === 'background' ? (await observer.known()) >= promised.size : (await observer.effects(id)) > 0
      if (!there) early.push(id)
    }
    return (await Promise.all(Array.from({ length: times }, () => post(host.port, id, answered)))).some(isDone)
  }

  for (const [round, id] of ids.entries()) {
    const point = points[round % points.length] as string
    await host.arm(point)
    if (point === 'random') void sleep(Math.random() * (40 + copies)).then(() => host.kill())
    // What was told to come again does, and in the background the point may lie behind the answers.
    let killed = false
    for (const end = performance.now() + PATIENCE_MS; !killed && performance.now() < end; ) {
      await send(id, copies)
      killed = await Promise.race([host.over.then(() => true), sleep(1_000, false, { ref: false })])
    }
    if (!killed) throw new Error(`no message passed "${point}"`)
    if (leaseMs === undefined) await observer.endLeases()
    const counts = (kills[frameworkOf(round)] ??= {})
    counts[point] = (counts[point] ?? 0) + 1

    host = await start(round + 1)
    let isAnswered = promised.has(id) && mode === 'background'
    for (let waited = 0; !isAnswered && waited < PATIENCE_MS; waited += 100) {
      isAnswered = await send(id, RETRIES)
      if (!isAnswered) await sleep(100)
    }
    if (!isAnswered) unanswered.push(id)
    for (let waited = 0; waited < PATIENCE_MS && (await observer.effects(id)) === 0; waited += 50) await sleep(50)
  }
  host.kill()
  await host.over
  ;(await next).kill()
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, await observer.effects(id))
  await observer.close()
  return {
    rounds,
    kills,
    lost: ids.filter((id) => counts.get(id) === 0),
    repeated: ids.filter((id) => (counts.get(id) ?? 0) > 1),
    early,
    unanswered,
  }
}
