import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { standardWebhooks } from '@hooks/core'
import { signRequest } from '@hooks/receiver/testing'
import { observe } from './observer.ts'
import { type HostPlan, POINTS, SECRET } from './plan.ts'

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

/** What rounds of kills came to. */
export interface Report {
  readonly rounds: number
  /** By the name of the point, how often a host was killed there. */
  readonly kills: Readonly<Record<string, number>>
  /** By framework, how many hosts were killed in it. */
  readonly frameworks: Readonly<Record<string, number>>
  /** Messages whose effect is nowhere, though they were answered with 2xx in the end. */
  readonly lost: readonly string[]
  /** Messages with more than one effect. */
  readonly repeated: readonly string[]
  /** Answers of 2xx whose first byte came before the effect, or in the background the request, was committed. */
  readonly early: readonly string[]
  /** Messages that were never answered with 2xx. */
  readonly unanswered: readonly string[]
}

const DUPLICATES = 4
const PATIENCE_MS = 60_000

/**
 * Frameworks and points take turns, so that each is killed at each. In every round a message comes four times at once, and
 * the host is killed where it passes the round's point (or, for `random`, at some moment). Then a host is started anew, and
 * the sender goes on until it is answered with 2xx.
 */
export async function play(
  stage: Stage,
  { mode, database, ...faults }: Pick<HostPlan, 'mode' | 'database' | 'isHasty'>,
  rounds: number,
  random = false,
): Promise<Report> {
  const plan: Omit<HostPlan, 'framework'> = { mode, database, leaseMs: 3_000, ...faults }
  const observer = await observe(database)
  const points: readonly string[] = random ? [...POINTS[mode], 'random'] : POINTS[mode]
  const kills: Record<string, number> = {}
  const early: string[] = []
  const unanswered: string[] = []
  const ids = Array.from({ length: rounds }, (_, i) => `msg_${i}`)
  const promised = new Set<string>()
  const frameworks: Record<string, number> = {}
  const frameworkOf = (round: number) =>
    stage.frameworks[(round + Math.floor(round / points.length)) % stage.frameworks.length] as string
  // One stands by: to load a host's code takes longer than all the rest of a round.
  let next = stage.standBy()
  const start = async (round: number): Promise<Host> => {
    const ready = await next
    next = stage.standBy()
    return ready.serve({ ...plan, framework: frameworkOf(round) })
  }
  let host = await start(0)

  /** One attempt of the sender's. Resolves to the status, or to 0 where the connection broke. */
  const send = async (id: string): Promise<number> => {
    const status = await post(host.port, id, async (answered) => {
      if (answered < 200 || answered > 299) return
      promised.add(id)
      const there = mode === 'background' ? (await observer.known()) >= promised.size : (await observer.effects(id)) > 0
      if (!there) early.push(id)
    })
    return status
  }

  for (const [round, id] of ids.entries()) {
    const point = points[round % points.length] as string
    await host.arm(point)
    if (point === 'random') void sleep(Math.random() * 40).then(() => host.kill())
    await Promise.all(Array.from({ length: DUPLICATES }, () => send(id)))
    // In the background the point may lie behind the answers.
    const killed = await Promise.race([host.over.then(() => true), sleep(PATIENCE_MS, false, { ref: false })])
    if (!killed) throw new Error(`no message passed "${point}"`)
    kills[point] = (kills[point] ?? 0) + 1
    frameworks[frameworkOf(round)] = (frameworks[frameworkOf(round)] ?? 0) + 1

    host = await start(round + 1)
    let isAnswered = promised.has(id) && mode === 'background'
    for (let waited = 0; !isAnswered && waited < PATIENCE_MS; waited += 100) {
      const status = await send(id)
      isAnswered = status >= 200 && status <= 299
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
    frameworks,
    lost: ids.filter((id) => counts.get(id) === 0),
    repeated: ids.filter((id) => (counts.get(id) ?? 0) > 1),
    early,
    unanswered,
  }
}

/** Posts a signed message, and calls `answered` when the head of the answer is there, before its body is read. */
async function post(port: number, id: string, answered: (status: number) => Promise<void>): Promise<number> {
  const { method, headers, body } = await signRequest(standardWebhooks(), SECRET, { type: 'tick', id, data: { id } })
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/hooks', method, headers, agent: false })
    request.on('error', () => resolve(0))
    request.on('response', (response) => {
      const status = response.statusCode ?? 0
      // A host that dies in the middle of its answer has answered all the same.
      response.on('error', () => {})
      answered(status).then(() => {
        response.resume()
        resolve(status)
      }, reject)
    })
    request.end(body)
  })
}
