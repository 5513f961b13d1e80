import type { Page } from '@hooks/core'

const USUAL_PER_PAGE = 50
const MOST_PER_PAGE = 250

/** A page with its size within bounds: 50 by default, 250 at most. */
export function pageOf({ cursor, limit = USUAL_PER_PAGE, offset, total }: Partial<Page> = {}): Page {
  return {
    limit: Math.min(Math.max(Math.trunc(limit) || 1, 1), MOST_PER_PAGE),
    ...(cursor !== undefined && { cursor }),
    ...(offset !== undefined && { offset }),
    ...(total !== undefined && { total }),
  }
}

/** The page of a list, apart from what it is filtered by. */
export function pageAndFilter<T extends Partial<Page>>({ cursor, limit, offset, total, ...filter }: T) {
  const page = { cursor, limit, offset, total }
  return { page: pageOf(Object.fromEntries(Object.entries(page).filter(([, one]) => one !== undefined))), filter }
}
