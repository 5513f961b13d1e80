import type { Applied, DeliveryOutcome, LeaseRef } from '@hooks/core'
import type { Database } from './database.ts'
import { inRounds } from './rounds.ts'
import type { Numeric } from './rows.ts'
import { RELEASE, SETTLE } from './sql/settle.ts'
import { arrayOf, encodeOptional, jsonOf } from './text.ts'

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
    const places = await settleRound(
      db,
      round.map(({ settlement }) => settlement),
    )
    for (const place of places) {
      const index = round[place - 1]?.index
      if (index !== undefined) applied[index] = 'applied'
    }
  }
  return applied
}

/** Where those that were applied stand in the call, from 1. */
async function settleRound(db: Database, settlements: readonly Settlement[]): Promise<number[]> {
  const column = <T extends string | number | boolean | null>(of: (settlement: Settlement) => T) =>
    arrayOf(settlements.map(of))
  const rows = await db.runOften<{ place: Numeric }>(SETTLE, [
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
    column(({ attempt }) => jsonOf(attempt?.responseHeaders)),
    column(({ attempt }) => attempt?.trigger === 'manual'),
  ])
  return rows.map(({ place }) => Number(place))
}

/** {@link Deliveries.release}. */
export async function release(db: Database, leases: readonly LeaseRef[]): Promise<void> {
  for (const round of inRounds(leases, ({ key }) => key))
    await db.run(RELEASE, [arrayOf(round.map(({ key }) => key)), arrayOf(round.map(({ token }) => token))])
}
