import type { Ms } from '@hooks/core'

/** What has a place in a {@link DueOrder}. Neither changes while it is in there. */
export interface Due {
  readonly until: Ms
  readonly seq: number
}

/** Things in the order in which they are due, and within one moment in that of their numbers. */
export interface DueOrder<T extends Due> {
  add(item: T): void
  remove(item: T): void
  first(): T | undefined
}

/** A sorted list: found by halving, moved by the engine's own copying, which is cheap up to some 100,000. */
export function createDueOrder<T extends Due>(): DueOrder<T> {
  const items: T[] = []

  /** Where `item` is, or belongs. */
  function placeOf({ until, seq }: Due): number {
    let [from, to] = [0, items.length]
    while (from < to) {
      const middle = (from + to) >> 1
      const other = items[middle] as T
      if (other.until < until || (other.until === until && other.seq < seq)) from = middle + 1
      else to = middle
    }
    return from
  }

  return {
    add: (item) => void items.splice(placeOf(item), 0, item),
    remove: (item) => void items.splice(placeOf(item), 1),
    first: () => items[0],
  }
}
