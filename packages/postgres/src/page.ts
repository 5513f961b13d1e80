import type { Paged } from '@hooks/core'

/** A page of `limit` out of rows of which one more was asked for. The cursor is the last one's id. */
export function paged<T extends { readonly id: string }>(rows: readonly T[], limit: number): Paged<T> {
  const data = rows.slice(0, limit)
  const next = rows.length > limit ? data.at(-1)?.id : undefined
  return { data, ...(next !== undefined && { next }) }
}
