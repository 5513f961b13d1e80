import type { Database } from './database.ts'
import type { Numeric } from './rows.ts'
import { DELETE_ENDED, DELETE_KEYS, DELETE_MESSAGES, DELETE_PAYLOADS, END_STRAYS } from './sql/history.ts'
import { DELETE_JOBS } from './sql/jobs.ts'

/** What {@link History.prune} forgets. */
export interface Pruning {
  readonly payloadsBefore?: Date
  readonly historyBefore?: Date
}

/**
 * {@link History.prune}. Payloads and deliveries are counted. Keys that have run out go along, and so do messages of
 * which nothing is left.
 */
export async function prune(db: Database, { payloadsBefore, historyBefore }: Pruning, limit: number) {
  async function remove(statement: string, most: number, before?: Date): Promise<number> {
    const parameters = before ? [String(before.getTime()), String(most)] : [String(most)]
    const [row] = await db.run<{ n: Numeric }>(statement, parameters)
    return Number(row?.n)
  }

  const payloads = payloadsBefore ? await remove(DELETE_PAYLOADS, limit, payloadsBefore) : 0
  const room = limit - payloads
  const ended = historyBefore && room > 0 ? await remove(DELETE_ENDED, room, historyBefore) : 0
  const along = [
    await remove(DELETE_KEYS, limit),
    await remove(END_STRAYS, limit),
    historyBefore ? await remove(DELETE_MESSAGES, limit, historyBefore) : 0,
    historyBefore ? await remove(DELETE_JOBS, limit, historyBefore) : 0,
  ]
  const removed = payloads + ended
  return { removed, more: removed >= limit || along.some((count) => count >= limit) }
}
