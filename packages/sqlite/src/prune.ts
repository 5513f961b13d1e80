import { sweepAll } from './endpoints.ts'
import type { Session } from './session.ts'
import {
  DELETE_ATTEMPTS,
  DELETE_DELIVERY,
  DELETE_EMPTY_MESSAGES,
  DELETE_OLD_KEYS,
  DELETE_PAYLOAD,
  OLD_DELIVERIES,
  OLD_PAYLOADS,
} from './sql/history.ts'
import { DELETE_OLD_JOBS } from './sql/jobs.ts'
import type { Epoch } from './time.ts'

/** What {@link History.prune} forgets. */
export interface Pruning {
  readonly payloadsBefore?: Date
  readonly historyBefore?: Date
}

/**
 * {@link History.prune}. Payloads and deliveries are counted. Keys that have run out go along, and so do messages of
 * which nothing is left.
 */
export function prune(db: Session, now: Epoch, { payloadsBefore, historyBefore }: Pruning, limit: number) {
  const payloads = payloadsBefore ? prunePayloads(db, payloadsBefore.getTime(), limit) : NOTHING
  const deliveries = historyBefore ? pruneDeliveries(db, historyBefore.getTime(), limit - payloads.removed) : NOTHING
  const along = [
    db.run(DELETE_OLD_KEYS, now, limit),
    sweepAll(db, now, limit),
    historyBefore ? db.run(DELETE_EMPTY_MESSAGES, historyBefore.getTime(), historyBefore.getTime(), limit) : 0,
  ]
  const jobs = historyBefore ? db.run(DELETE_OLD_JOBS, historyBefore.getTime(), limit) : 0
  return {
    removed: payloads.removed + deliveries.removed + jobs,
    more: payloads.more || deliveries.more || [...along, jobs].some((count) => count >= limit),
  }
}

const NOTHING = { removed: 0, more: false }

function prunePayloads(db: Session, before: Epoch, limit: number) {
  const rows = db.all<{ seq: number }>(OLD_PAYLOADS, before, limit + 1)
  for (const { seq } of rows.slice(0, limit)) db.run(DELETE_PAYLOAD, seq)
  return { removed: Math.min(rows.length, limit), more: rows.length > limit }
}

function pruneDeliveries(db: Session, before: Epoch, limit: number) {
  const rows = db.all<{ id: string }>(OLD_DELIVERIES, before, limit + 1)
  for (const { id } of rows.slice(0, limit)) {
    db.run(DELETE_ATTEMPTS, id)
    db.run(DELETE_DELIVERY, id)
  }
  return { removed: Math.min(rows.length, limit), more: rows.length > limit }
}
