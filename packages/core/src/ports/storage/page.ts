/** Which part of a list is wanted. */
export interface Page {
  /** From a page's `next`. */
  readonly cursor?: string
  readonly limit: number
  /** How many to pass over first. It costs as much as reading them: cursors do not. Not together with `cursor`. */
  readonly offset?: number
  /** Counts all that there are, whatever the page. */
  readonly total?: boolean
}

/** A part of a list. */
export interface Paged<T> {
  readonly data: readonly T[]
  /** Undefined on the last page. */
  readonly next?: string
  /** How many there are on all pages; only where it was asked for. */
  readonly total?: number
}
