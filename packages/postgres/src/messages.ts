import type { Database } from './database.ts'
import type { MessageRow } from './rows.ts'
import { MESSAGES } from './sql/messages.ts'
import { arrayOf } from './text.ts'
import { NO_WEEK } from './week.ts'

/** Where a message is. */
export interface MessageRef {
  readonly tenant: string
  readonly id: string
  readonly week: number
}

/** The messages of `refs` that are there, with their data, in the order of `refs`. */
export async function findMessages(db: Database, refs: readonly MessageRef[]): Promise<MessageRow[]> {
  const known = new Map(refs.map((ref) => [ref.id, ref]))
  const weeks = [...new Set([...known.values()].map(({ week }) => week))].filter((week) => week !== NO_WEEK)
  // Ids of another make would widen the weeks to all that there are.
  const groups = [
    ...(weeks.length > 0 ? [[Math.min(...weeks), Math.max(...weeks)] as const] : []),
    [NO_WEEK, NO_WEEK] as const,
  ]
  const found = new Map<string, MessageRow>()
  for (const [from, to] of groups) {
    const group = [...known.values()].filter(({ week }) => week >= from && week <= to)
    if (group.length === 0) continue
    const rows = await db.run<MessageRow>(MESSAGES, [
      arrayOf(group.map(({ tenant }) => tenant)),
      arrayOf(group.map(({ id }) => id)),
      String(from),
      String(to),
    ])
    for (const row of rows) found.set(row.id, row)
  }
  return [...known.keys()].map((id) => found.get(id)).filter((row) => row !== undefined)
}
