import type { Page, Paged } from '@hooks/core'
import type { Database } from './database.ts'
import type { Numeric } from './rows.ts'

/** A stretch of a list. */
export interface Stretch {
  readonly cursor?: string
  readonly limit: number
  readonly offset: number
}

/** How pages of a list are read. */
export interface Listed<T> {
  readonly rows: (stretch: Stretch) => Promise<readonly T[]>
  /** How many there are, whatever the page. */
  readonly count: () => Promise<number>
}

/** A page, of rows of which one more is asked for. The cursor is the last one's id. */
export async function paged<T extends { readonly id: string }>(
  page: Page,
  { rows, count }: Listed<T>,
): Promise<Paged<T>> {
  const { cursor, limit, offset = 0 } = page
  const found = await rows({ limit: limit + 1, offset, ...(cursor !== undefined && { cursor }) })
  const data = found.slice(0, limit)
  const next = found.length > limit ? data.at(-1)?.id : undefined
  return { data, ...(next !== undefined && { next }), ...(page.total && { total: await count() }) }
}

/** How many rows there are. */
export async function countOf(db: Database, from: string, values: readonly (string | null)[]): Promise<number> {
  const [row] = await db.run<{ n: Numeric }>(`select count(*)::bigint as n from ${from}`, values)
  return Number(row?.n)
}
