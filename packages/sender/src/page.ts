import { checkOptions, kind, type OptionsRule, type Page, wholeFrom } from '@hooks/core'

const USUAL_PER_PAGE = 50
const MOST_PER_PAGE = 250

/** What a page may be, in the options of a list. */
export const PAGE_KINDS: OptionsRule<keyof Page>['kinds'] = {
  cursor: kind.text,
  limit: wholeFrom(1),
  offset: wholeFrom(0),
  total: kind.flag,
}

/**
 * A page with its size within bounds: 50 by default, 250 at most.
 *
 * @throws ConfigurationError `option_invalid`
 */
export function pageOf(page: Partial<Page> = {}): Page {
  checkOptions(page, { of: 'a page', kinds: PAGE_KINDS })
  const { cursor, limit = USUAL_PER_PAGE, offset, total } = page
  return {
    limit: Math.min(limit, MOST_PER_PAGE),
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
