import type { Migration } from '@hooks/core'

/** Tables that are migrated together: their steps, and the row that says how far they are. */
export interface Ledger {
  readonly migrations: readonly Migration[]
  /** The version that this release writes. */
  readonly version: number
  /** Whether the tables are there at all. */
  readonly hasMeta: string
  readonly readMeta: string
}
