import type { DeliveryView, Ms } from '@hooks/core'
import { type Ending, pairOf } from './books.ts'
import type { Reception } from './receiver.ts'
import { couldBeTriedAgain, isInTime, judgePacing, retriedTooOld, stoodStillBefore } from './timing.ts'

const isSuccess = ({ status }: Reception) => status >= 200 && status < 300

/**
 * Judges the end of a simulation, in the words of Jepsen's queue checks. Lost: sent, and neither received nor ended
 * for a reason that was promised. Unexpected: received, and never sent. Duplicated: received again after a success,
 * with nothing to explain it. Stuck: not ended when everything had come to rest.
 */
export async function judge(ending: Ending): Promise<{ violations: string[]; duplicates: number }> {
  const { deliveries, operations, receiver, depth } = ending
  const violations: string[] = []
  if (depth.open > 0 || depth.unexpanded > 0)
    violations.push(`stuck: ${depth.open} deliveries, ${depth.unexpanded} messages`)

  for (const { delivery, result, late } of operations.settled) {
    if (late && result !== 'delivered') violations.push(`fence: a late ${result} of ${delivery} was taken`)
  }

  for (const id of operations.spare) if (!ending.spare.includes(id)) violations.push(`lost: the endpoint ${id}`)

  const byPair = new Map(deliveries.map((one) => [pairOf(one.endpointId, one.messageId), one]))
  if (byPair.size !== deliveries.length) violations.push('a message has two deliveries for one endpoint')
  for (const { tenant, key } of operations.sent) {
    const ids = operations.sent.filter((one) => one.key === key && one.tenant === tenant).map(({ id }) => id)
    if (new Set(ids).size > 1) violations.push(`one idempotency key, ${ids.length} messages`)
  }

  for (const message of operations.sent) {
    for (const endpoint of ending.endpoints.filter(({ tenant }) => tenant === message.tenant)) {
      const stored = await ending.raw.endpoints.get(endpoint.tenant, endpoint.id)
      const wanted = !stored?.filters || message.type.startsWith('order.')
      const delivery = byPair.get(pairOf(endpoint.id, message.id))
      if (wanted && !delivery) violations.push(`lost: no delivery of ${message.id} for ${endpoint.id}`)
      if (!wanted && delivery) violations.push(`unexpected: a delivery of ${message.id} for ${endpoint.id}`)
    }
  }
  for (const delivery of deliveries) violations.push(...(await judgeDelivery(delivery, ending)))
  violations.push(...judgeOrder(ending, byPair))
  violations.push(...judgePacing(ending, byPair))
  for (const { id, state, reason } of ending.jobs) {
    const ended = state === 'done' || (state === 'failed' && (reason === 'endpoint_disabled' || reason === 'poison'))
    if (!ended) violations.push(`stuck: the job ${id} is ${state} (${reason})`)
  }

  let duplicates = 0
  for (const [pair, receptions] of groups(receiver.ledger)) {
    const delivery = byPair.get(pair)
    if (!delivery) violations.push(`unexpected: ${pair} was received and has no delivery`)
    let success: Reception | undefined
    for (const reception of receptions) {
      if (success) {
        duplicates++
        if (delivery && !explained(success, reception, delivery, ending))
          violations.push(`duplicated: ${pair} at ${reception.at}, first at ${success.at}`)
      }
      if (isSuccess(reception)) success = reception
    }
  }
  return { violations, duplicates }
}

/**
 * What was sent when another of its order was there for good starts after that has ended, at each endpoint. What a person
 * sent again has no order.
 */
function judgeOrder(
  { operations, endpoints, receiver, startedAt }: Ending,
  byPair: ReadonlyMap<string, DeliveryView>,
): string[] {
  const ordered = operations.sent.filter(({ orderingKey }) => orderingKey !== undefined)
  const violations: string[] = []
  for (const { id: endpoint, tenant } of endpoints) {
    if (operations.recovered.has(endpoint)) continue
    for (const later of ordered.filter((one) => one.tenant === tenant)) {
      const second = byPair.get(pairOf(endpoint, later.id))
      if (!second || operations.resent.has(second.id)) continue
      const began = receiver.ledger
        .filter((one) => one.endpoint === endpoint && one.message === later.id)
        .reduce((first, { startedAt: at }) => Math.min(first, at), Number.POSITIVE_INFINITY)
      for (const earlier of ordered) {
        const isBefore =
          earlier.tenant === tenant && earlier.orderingKey === later.orderingKey && earlier.returnedAt < later.calledAt
        const first = byPair.get(pairOf(endpoint, earlier.id))
        if (!isBefore || !first || operations.resent.has(first.id)) continue
        const ended = first.finishedAt ? first.finishedAt.getTime() - startedAt : Number.POSITIVE_INFINITY
        if (began < ended) violations.push(`order: ${later.id} started at ${endpoint} before ${earlier.id} had ended`)
      }
    }
  }
  return violations
}

/** How often a delivery may end its worker, with nothing settled in between, before it is given up. */
const MOST_DEATHS = 5

/** The most of `times` that lie between two of `marks`. */
function mostBetween(times: readonly Ms[], marks: readonly Ms[]): number {
  const counts = new Map<number, number>()
  for (const time of times) {
    const before = marks.filter((mark) => mark <= time).length
    counts.set(before, (counts.get(before) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

async function judgeDelivery(delivery: DeliveryView, ending: Ending): Promise<string[]> {
  const { raw, operations, receiver, retryMs } = ending
  const { id, state, reason } = delivery
  const received = receiver.ledger.filter(
    (one) => one.endpoint === delivery.endpointId && one.message === delivery.messageId,
  )
  const deaths = operations.deaths.get(pairOf(delivery.endpointId, delivery.messageId)) ?? []
  const begunAnew = operations.resent.has(id) || operations.recovered.has(delivery.endpointId)
  const early = begunAnew ? undefined : received.find((one) => !isInTime(one, delivery, ending))
  if (early) return [`early: ${delivery.messageId} came to ${delivery.endpointId} at ${early.startedAt}`]
  const old = begunAnew ? undefined : retriedTooOld(delivery, ending)
  if (old !== undefined) return [`too old: ${id} was to be tried again after its failure at ${old}`]
  const inARow = mostBetween(
    deaths,
    operations.settled.filter((one) => one.delivery === id).map(({ at }) => at),
  )
  if (inARow > MOST_DEATHS && !begunAnew) return [`poison: ${id} ended ${inARow} workers in a row`]
  const gone = receiver.habits.get(delivery.endpointId) === 'gone'
  const disabled = operations.disabled.has(delivery.endpointId) || gone
  if (state === 'delivered')
    return received.some(isSuccess) ? [] : [`lost: ${id} counts as delivered and was not received`]
  if (state === 'skipped') return disabled ? [] : [`lost: ${id} was skipped, and its endpoint never disabled`]
  if (state === 'cancelled') return operations.cancelled.has(id) ? [] : [`lost: ${id} was cancelled by nobody`]
  if (state === 'failed' && reason === 'gone') return gone ? [] : [`lost: ${id} ended as gone`]
  if (state === 'failed' && reason === 'exhausted') {
    const log = await raw.history.attempts(delivery.tenant, id)
    const made = log.filter(({ error }) => error !== 'lost').length
    if (made !== delivery.attempts) return [`${id} counts ${delivery.attempts} attempts, and ${made} are logged`]
    const promised = retryMs.length
    if (made < promised && couldBeTriedAgain(delivery, made, ending))
      return [`lost: ${id} was given up after ${made} of ${promised} attempts`]
    return made <= promised || begunAnew ? [] : [`${id} was tried ${made} times, and ${promised} are promised`]
  }
  // Five claims in a row that ended in nothing are rare, and happen.
  if (state === 'failed' && reason === 'poison') {
    const log = await raw.history.attempts(delivery.tenant, id)
    const lost = log.filter(({ error }) => error === 'lost').length
    return lost >= 5 ? [] : [`lost: ${id} counts as poison after ${lost} crashes`]
  }
  return state === 'failed' ? [`lost: ${id} failed as ${reason}`] : []
}

/**
 * A second request after a success is explained by a resend, by an answer that was lost, or by what befell the process
 * that had the success, from its claim until the second request. Once the success is on record, only a claim that was
 * made before can still start.
 */
function explained(first: Reception, second: Reception, delivery: DeliveryView, ending: Ending): boolean {
  const { operations, leaseMs } = ending
  if (operations.resent.has(delivery.id)) return true
  // It sends what another has sent meanwhile.
  if (stoodStillBefore(second, ending)) return true
  const recorded = operations.settled.some(
    ({ delivery: key, result, at }) =>
      key === delivery.id && result === 'delivered' && at >= first.startedAt && at < second.startedAt - 2 * leaseMs,
  )
  if (recorded) return false
  if (!first.answered) return true
  const from = first.startedAt - 3 * leaseMs
  return operations.incidents.some(({ by, at }) => by === first.by && at >= from && at <= second.startedAt)
}

function groups(ledger: readonly Reception[]): Map<string, Reception[]> {
  const grouped = new Map<string, Reception[]>()
  for (const reception of ledger) {
    const pair = pairOf(reception.endpoint, reception.message)
    grouped.set(pair, [...(grouped.get(pair) ?? []), reception])
  }
  return grouped
}
