import type { Applied, DeliveryOutcome, LeaseRef } from '@hooks/core'
import type { Database } from './database.ts'
import { inRounds, untilUnraced } from './rounds.ts'
import type { Numeric } from './rows.ts'
import { RELEASE, SETTLE } from './sql/settle.ts'
import { arrayOf, encodeOptional } from './text.ts'

type Settlement = LeaseRef & DeliveryOutcome

/**
 * {@link Deliveries.settle}. A success is true whoever reports it; anything else is for the one who holds the lease, or
 * was the last to.
 */
export async function settle(db: Database, settlements: readonly Settlement[]): Promise<Applied[]> {
  const applied: Applied[] = settlements.map(() => 'stale')
  const indexed = settlements.map((settlement, index) => ({ settlement, index }))
  if (indexed.length === 0) await db.ready()
  for (const round of inRounds(indexed, ({ settlement }) => settlement.key)) {
    await untilUnraced(round, async (left) => {
      const places = await settleRound(
        db,
        left.map(({ settlement }) => settlement),
      )
      for (const place of places.settled) {
        const index = left[place - 1]?.index
        if (index !== undefined) applied[index] = 'applied'
      }
      return places.raced.map((place) => left[place - 1]).filter((one) => one !== undefined)
    })
  }
  return applied
}

/** Where each settlement stands in the call, from 1: those that were applied, and those to be tried again. */
async function settleRound(db: Database, settlements: readonly Settlement[]) {
  const column = <T extends string | number | boolean | null>(of: (settlement: Settlement) => T) =>
    arrayOf(settlements.map(of))
  const rows = await db.runOften<{ place: Numeric; raced: Numeric }>(SETTLE, [
    column(({ key }) => key),
    column(({ token }) => token),
    column(({ result }) => result),
    column((settlement) => ('reason' in settlement ? encodeOptional(settlement.reason) : null)),
    column((settlement) => (settlement.result === 'retry' ? Math.max(0, settlement.retryInMs) : 0)),
    column(({ attempt }) => (attempt ? 1 : 0)),
    column(({ attempt }) => Math.round(attempt?.ms ?? 0)),
    column(({ attempt }) => attempt?.status ?? null),
    column(({ attempt }) => attempt?.error ?? null),
    column(({ attempt }) => encodeOptional(attempt?.detail)),
    column(({ attempt }) => encodeOptional(attempt?.response)),
    column(({ attempt }) => attempt?.trigger === 'manual'),
  ])
  const places = (raced: boolean) =>
    rows.filter((row) => (Number(row.raced) === 1) === raced).map(({ place }) => Number(place))
  return { settled: places(false), raced: places(true) }
}

/** {@link Deliveries.release}. */
export async function release(db: Database, leases: readonly LeaseRef[]): Promise<void> {
  for (const round of inRounds(leases, ({ key }) => key))
    await db.run(RELEASE, [arrayOf(round.map(({ key }) => key)), arrayOf(round.map(({ token }) => token))])
}
