import {
  type Clock,
  headerBag,
  type KeySet,
  type Ms,
  platformCrypto,
  standardWebhooks,
  verifyRequest,
} from '@hooks/core'
import type { Answer, TransportRequest } from '../../seams.ts'
import type { Dice } from './dice.ts'
import type { Incarnation } from './faults.ts'

/** How an endpoint of a simulation behaves. */
export const HABITS = ['good', 'flaky', 'slow', 'paced', 'gone', 'broken'] as const
export type Habit = (typeof HABITS)[number]

/** `Retry-After` values that no sender may heed. */
const JUNK = ['-5', '', '1e400', '0x10', '1e20', 'soon', 'Mon, 01 Jan 1990 00:00:00 GMT']

/** The longest that a receiver asks to wait. */
export const LONGEST_WISH: Ms = 5_000

/** One request as the receiving side saw it. */
export interface Reception {
  readonly endpoint: string
  readonly message: string
  readonly by: Incarnation
  readonly startedAt: Ms
  /** When it was answered. */
  readonly at: Ms
  readonly status: number
  /** The sender learnt the status. */
  answered: boolean
}

/** The receiving side of a simulation: it checks every request, and keeps the ledger that the oracle reads. */
export interface SimulatedReceiver {
  readonly ledger: readonly Reception[]
  readonly violations: readonly string[]
  /** The secrets of an endpoint, which change as it rotates them. */
  readonly secrets: Map<string, string[]>
  readonly habits: Map<string, Habit>
  /** Messages that end whoever sends them. */
  readonly deadly: Set<string>
  /** Takes a request, and answers after a while. Null: no answer within the deadline. */
  take(request: TransportRequest, by: Incarnation): Promise<{ reception: Reception; answer: Answer | null }>
}

/** Which message a request carries, and to which endpoint. */
export const addressed = ({ url, headers }: TransportRequest): { endpoint: string; message: string } => ({
  endpoint: url.pathname.slice(1),
  message: headers['webhook-id'] as string,
})

export function createSimulatedReceiver(clock: Clock, dice: Dice, cap: number, leaseMs: Ms): SimulatedReceiver {
  const ledger: Reception[] = []
  const violations: string[] = []
  const secrets = new Map<string, string[]>()
  const habits = new Map<string, Habit>()
  const deadly = new Set<string>()
  const bodies = new Map<string, string>()
  const open = new Map<string, Set<Incarnation>>()
  const openPerEndpoint = new Map<string, Incarnation[]>()
  const format = standardWebhooks()
  const crypto = platformCrypto()

  async function check(request: TransportRequest, endpoint: string, message: string): Promise<void> {
    const keys: KeySet[] = (secrets.get(endpoint) ?? []).map((secret, i) => ({
      keyId: String(i),
      keys: format.keys(secret, 'verify'),
    }))
    const raw = { method: 'POST', url: request.url.href, headers: headerBag(request.headers), body: request.body }
    try {
      await verifyRequest(format, keys, raw, clock, crypto)
    } catch (error) {
      violations.push(`unverifiable request to ${endpoint}: ${(error as { code?: string }).code}`)
    }
    const body = Buffer.from(request.body).toString('hex')
    const before = bodies.get(message)
    if (before !== undefined && before !== body) violations.push(`the body of ${message} changed`)
    bodies.set(message, body)
  }

  function status(habit: Habit): number {
    const roll = dice.float()
    if (habit === 'broken') return 500
    if (habit === 'flaky') return roll < 0.4 ? 500 : 200
    if (habit === 'paced') return roll < 0.25 ? 429 : roll < 0.4 ? 503 : 200
    if (habit === 'gone') return roll < 0.05 ? 410 : roll < 0.2 ? 500 : 200
    return roll < 0.03 ? 502 : 204
  }

  /** A wish that can be granted, or junk that means nothing. */
  const retryAfter = () => (dice.chance(0.7) ? String(dice.between(1, LONGEST_WISH / 1_000)) : dice.pick(JUNK))

  return {
    ledger,
    violations,
    secrets,
    habits,
    deadly,
    async take(request, by) {
      const { endpoint, message } = addressed(request)
      const key = `${endpoint} ${message}`
      await check(request, endpoint, message)
      // A process that died or stood still has lost its leases, whatever it still has under way.
      const isFit = ({ dead, stalledAt }: Incarnation) =>
        !dead && (stalledAt === null || clock.monotonic() - stalledAt > 3 * leaseMs)
      const others = [...(open.get(key) ?? [])].filter(isFit)
      if (others.length > 0 && isFit(by)) violations.push(`two requests at once for ${message} at ${endpoint}`)
      const here = openPerEndpoint.get(endpoint) ?? []
      if (isFit(by) && here.filter(isFit).length >= cap)
        violations.push(`more than ${cap} requests at once at ${endpoint}`)
      openPerEndpoint.set(endpoint, [...here, by])
      open.set(key, new Set([...(open.get(key) ?? []), by]))

      const habit = habits.get(endpoint) ?? 'good'
      const startedAt = clock.monotonic()
      const ms = habit === 'slow' ? dice.between(50, 5_000) : dice.between(1, 200)
      const patience = request.deadline - clock.monotonic()
      await clock.sleep(Math.min(ms, Math.max(0, patience)))
      open.get(key)?.delete(by)
      openPerEndpoint.set(
        endpoint,
        (openPerEndpoint.get(endpoint) ?? []).filter((one, i, all) => one !== by || all.indexOf(by) !== i),
      )
      const reception: Reception = {
        endpoint,
        message,
        by,
        startedAt,
        at: clock.monotonic(),
        status: status(habit),
        answered: true,
      }
      ledger.push(reception)
      if (ms > patience) {
        reception.answered = false
        return { reception, answer: null }
      }
      const headers: Record<string, string> = dice.chance(0.3) ? { 'retry-after': retryAfter() } : {}
      const body = new Uint8Array()
      return {
        reception,
        answer: {
          status: reception.status,
          headers,
          body,
          // A body that broke off says nothing about the work that the status line says is done.
          truncated: dice.chance(0.05),
          ms: clock.monotonic() - startedAt,
          sent: true,
        },
      }
    },
  }
}
