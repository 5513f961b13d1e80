import type { Database } from './database.ts'
import { untilUnraced } from './rounds.ts'
import type { Numeric } from './rows.ts'
import {
  EXPUNGE_ENDED,
  EXPUNGE_MESSAGES,
  EXPUNGE_OPEN,
  EXPUNGE_TENANT,
  FORGET_DATA,
  MESSAGES_TO_EXPUNGE,
} from './sql/history.ts'
import { arrayOf } from './text.ts'

/**
 * {@link History.expunge}. Step by step, each of them complete in itself: a message goes after its deliveries, so whoever
 * is interrupted finds it again.
 */
export async function expunge(
  db: Database,
  { tenant, message }: { readonly tenant: string; readonly message?: string },
  limit: number,
): Promise<{ removed: number; more: boolean }> {
  let left = limit
  const remove = async (statement: string, ...parameters: string[]): Promise<void> => {
    if (left <= 0) return
    const [row] = await db.run<{ n: Numeric }>(statement, parameters)
    left -= Number(row?.n)
  }
  while (left > 0) {
    const found = await db.run<{ id: string; week: Numeric }>(MESSAGES_TO_EXPUNGE, [
      tenant,
      message ?? null,
      String(left),
    ])
    if (found.length === 0) {
      if (message === undefined) await remove(EXPUNGE_TENANT, tenant)
      return { removed: limit - left, more: false }
    }
    const ids = arrayOf(found.map(({ id }) => id))
    const weeks = arrayOf(found.map(({ week }) => Number(week)))
    // Nothing more is made of them from here on.
    await db.run(FORGET_DATA, [tenant, ids, weeks])
    await untilUnraced([ids], async (all) => {
      const [row] = await db.run<{ n: Numeric; raced: Numeric }>(EXPUNGE_OPEN, [ids, String(left)])
      left -= Number(row?.n)
      return Number(row?.raced) > 0 && left > 0 ? all : []
    })
    await remove(EXPUNGE_ENDED, ids, String(left))
    await remove(EXPUNGE_MESSAGES, tenant, ids, weeks)
  }
  return { removed: limit - left, more: true }
}
