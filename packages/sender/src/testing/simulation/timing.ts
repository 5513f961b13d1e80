import type { DeliveryView, Ms } from '@hooks/core'
import { type Ending, pairOf } from './books.ts'
import { LONGEST_WISH, type Reception } from './receiver.ts'

// What is promised of times: by the schedule, by the age of a delivery, and to an endpoint that asks for a rest.

/** Says that there is more to do than can be done. */
const PACED = new Set([429, 502, 503, 504])

/** A process that stood still between its claim and its request sends when its time is over. */
export function stoodStillBefore({ by, startedAt }: Reception, { operations, leaseMs }: Ending): boolean {
  return operations.incidents.some(
    (one) => one.by === by && one.what.endsWith(' stall') && one.at >= startedAt - 3 * leaseMs && one.at <= startedAt,
  )
}

/** Not before it was due, and after each failure not before the delay that the schedule promises. A storage counts whole milliseconds. */
export function isInTime(reception: Reception, { id, messageId }: DeliveryView, ending: Ending): boolean {
  const { operations, retryMs } = ending
  const { startedAt } = reception
  if (startedAt < Math.floor(operations.notBefore.get(messageId) ?? 0)) return false
  const failures = operations.settled.filter(({ delivery, result }) => delivery === id && result === 'retry')
  const before = failures.filter(({ at }) => at <= startedAt)
  const last = before.at(-1)
  if (!last || startedAt >= Math.floor(last.at) + (retryMs[before.length] ?? 0)) return true
  return stoodStillBefore(reception, ending)
}

/** When it failed, and another attempt was planned for when it would be older than it may be. */
export function retriedTooOld(
  { id, createdAt }: DeliveryView,
  { operations, retryMs, maxAgeMs, startedAt }: Ending,
): Ms | undefined {
  const bornAt = createdAt.getTime() - startedAt
  const failures = operations.settled.filter(({ delivery, result }) => delivery === id && result === 'retry')
  return failures.find(({ at }, i) => {
    const claimedAt = operations.claimed.findLast((one) => one.delivery === id && one.at <= at)?.at ?? at
    return claimedAt - bornAt + (retryMs[i + 1] ?? 0) > maxAgeMs
  })?.at
}

/** Whether a delivery that had `made` attempts may have had another within its age, whatever its jitter and its receiver's wish. */
export function couldBeTriedAgain(
  { createdAt, finishedAt }: DeliveryView,
  made: number,
  { retryMs, jitter, maxAgeMs }: Ending,
): boolean {
  if (!finishedAt) return true
  const ageMs = finishedAt.getTime() - createdAt.getTime()
  return ageMs + Math.max((retryMs[made] ?? 0) * (1 + jitter), LONGEST_WISH) <= maxAgeMs
}

/** Of an endpoint that said that it is overloaded, nothing is claimed for a while. A person may send again at any time. */
export function judgePacing(
  { operations, receiver, pacedMs }: Ending,
  byPair: ReadonlyMap<string, DeliveryView>,
): string[] {
  const violations: string[] = []
  for (const reception of receiver.ledger) {
    const { endpoint, message, by, answered } = reception
    const delivery = byPair.get(pairOf(endpoint, message))
    if (!PACED.has(reception.status) || !answered || !delivery || operations.enabled.has(endpoint)) continue
    const learnt = operations.settled.find(
      (one) => one.delivery === delivery.id && one.by === by && one.at >= reception.at,
    )
    // Whoever could not say so was hit by a fault, or died.
    const isHit = operations.incidents.some(
      (one) => one.by === by && one.at >= reception.startedAt && one.at <= reception.at + pacedMs,
    )
    if (learnt?.result !== 'retry' || isHit) continue
    const early = operations.claimed.find(
      (one) =>
        one.endpoint === endpoint &&
        one.at > learnt.at &&
        one.at < Math.floor(reception.at) + pacedMs &&
        !operations.resent.has(one.delivery),
    )
    if (early)
      violations.push(
        `hold: ${early.delivery} was claimed at ${early.at}, and ${endpoint} had asked for a rest at ${reception.at}`,
      )
  }
  return violations
}
