import type { Page, Paged } from '@hooks/core'
import type { SqliteValue } from './driver.ts'
import type { Session } from './session.ts'

/** How pages of a list are read. */
export interface Listed<T> {
  readonly rows: (page: { readonly cursor?: string; readonly limit: number; readonly offset: number }) => readonly T[]
  /** How many there are, whatever the page. */
  readonly count: () => number
}

/** A page, of rows of which one more is asked for. The cursor is the last one's id. */
export function paged<T extends { readonly id: string }>(page: Page, { rows, count }: Listed<T>): Paged<T> {
  const { cursor, limit, offset = 0 } = page
  const found = rows({ limit: limit + 1, offset, ...(cursor !== undefined && { cursor }) })
  const data = found.slice(0, limit)
  const next = found.length > limit ? data.at(-1)?.id : undefined
  return { data, ...(next !== undefined && { next }), ...(page.total && { total: count() }) }
}

/** How many rows there are. */
export const countOf = (db: Session, from: string, values: readonly SqliteValue[]): number =>
  db.get<{ n: number }>(`select count(*) as n from ${from}`, ...values)?.n ?? 0
