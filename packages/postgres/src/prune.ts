import type { Ms } from '@hooks/core'
import type { Database } from './database.ts'
import type { Upkeep } from './partitions.ts'
import type { Numeric } from './rows.ts'
import { SWEEP_ALL } from './sql/endpoints.ts'
import { DELETE_ENDED, DELETE_KEYS, DELETE_MESSAGES, DELETE_PAYLOADS } from './sql/history.ts'
import { DELETE_JOBS } from './sql/jobs.ts'

/** What {@link History.prune} forgets. */
export interface Pruning {
  readonly payloadsBefore?: Date
  readonly historyBefore?: Date
}

/** What is kept for longer than this is forgotten by the week, by dropping partitions: it may stay for up to three weeks longer. */
const BY_WEEK_MS: Ms = 21 * 86_400_000

/**
 * {@link History.prune}. Payloads and deliveries are counted. With the last of them go keys that have run out, and messages
 * of which nothing is left.
 *
 * A row that is deleted costs as much as one that is written, a partition that is dropped nothing: what is kept for weeks
 * is dropped by the week. Row by row goes what is kept for less, what has no partition of its own, and all of it where the
 * role may not drop tables.
 */
export async function prune(db: Database, upkeep: Upkeep, { payloadsBefore, historyBefore }: Pruning, limit: number) {
  async function remove(statement: string, most: number, before?: Date): Promise<number> {
    if (most <= 0) return 0
    const parameters = before ? [String(before.getTime()), String(most)] : [String(most)]
    const [row] = await db.run<{ n: Numeric }>(statement, parameters)
    return Number(row?.n)
  }

  const { may, now } = await upkeep.look()
  if (may) await upkeep.drop(payloadsBefore?.getTime(), historyBefore?.getTime())
  const byRow = (statement: string, before: Date) =>
    may && before.getTime() < now - BY_WEEK_MS ? onlyOfRest(statement) : statement

  const payloads = payloadsBefore ? await remove(byRow(DELETE_PAYLOADS, payloadsBefore), limit, payloadsBefore) : 0
  const ended = historyBefore ? await remove(byRow(DELETE_ENDED, historyBefore), limit - payloads, historyBefore) : 0
  const removed = payloads + ended
  if (removed >= limit) return { removed, more: true }
  // Most of these look for a few among all that there is, which is done once, and not for each chunk of the others.
  const along = [
    await remove(DELETE_KEYS, limit),
    await remove(SWEEP_ALL, limit),
    historyBefore ? await remove(byRow(DELETE_MESSAGES, historyBefore), limit, historyBefore) : 0,
    historyBefore ? await remove(DELETE_JOBS, limit, historyBefore) : 0,
  ]
  return { removed, more: along.some((count) => count >= limit) }
}

/** A statement that looks for old rows in what has no partition of its own. */
const onlyOfRest = (statement: string): string =>
  statement.replace(
    /from hooks\.(payload p|ended d|message m)\n/,
    (_, table: string) => `from hooks.${table.replace(' ', '_rest ')}\n`,
  )
