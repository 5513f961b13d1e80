import type { Page, Paged } from '@hooks/core'

/** Something with an id. Lists of them are kept by id, ascending. */
interface Identified {
  readonly id: string
}

/** Puts an item into its place. New ids are the largest, or nearly, so it costs next to nothing. */
export function insert<T extends Identified>(list: T[], item: T): void {
  const last = list.at(-1)
  if (last === undefined || last.id < item.id) list.push(item)
  else list.splice(indexAfter(list, item.id), 0, item)
}

/** Takes items out, in one go. Returns how many are left. */
export function discard<T>(list: T[], items: ReadonlySet<T>): number {
  let kept = 0
  for (const item of list) if (!items.has(item)) list[kept++] = item
  list.length = kept
  return kept
}

/** From after `cursor`, or from the beginning. */
export function* ascending<T extends Identified>(list: readonly T[], cursor: string | undefined): Generator<T> {
  for (let i = cursor === undefined ? 0 : indexAfter(list, cursor); i < list.length; i++) yield list[i] as T
}

/** Backwards from before `cursor`, or from the end. */
export function* descending<T extends Identified>(list: readonly T[], cursor: string | undefined): Generator<T> {
  for (let i = cursor === undefined ? list.length - 1 : indexOf(list, cursor) - 1; i >= 0; i--) yield list[i] as T
}

/**
 * A page of what `from` yields from a cursor on, of those that `accept` lets through. The id of its last one is the
 * cursor of the next page, if there is more.
 */
export function pageOf<T extends Identified, V>(
  from: (cursor: string | undefined) => Iterable<T>,
  { limit, cursor, offset = 0, total }: Page,
  view: (item: T) => V,
  accept: (item: T) => boolean = () => true,
): Paged<V> {
  const data: V[] = []
  let last: string | undefined
  let more = false
  let seen = 0
  for (const item of from(cursor)) {
    if (!accept(item) || seen++ < offset) continue
    more = data.length >= limit
    if (more) break
    data.push(view(item))
    last = item.id
  }
  return {
    data,
    ...(more && last !== undefined && { next: last }),
    ...(total && { total: [...from(undefined)].filter(accept).length }),
  }
}

/** Where the first item is whose id is not less than `id`. */
function indexOf(list: readonly Identified[], id: string): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] as Identified).id < id) low = middle + 1
    else high = middle
  }
  return low
}

function indexAfter(list: readonly Identified[], id: string): number {
  const index = indexOf(list, id)
  return list[index]?.id === id ? index + 1 : index
}
