/** A store's tables, and how they come to be as this release needs them. */
export interface Schema {
  /** Reads the version, changes nothing. */
  check(): Promise<SchemaState>
  /** The steps after version `from`, as plain statements. */
  migrations(from?: number): readonly Migration[]
  /** Brings the database to the expected version. Safe from many processes at once. */
  migrate(): Promise<void>
}

/** What {@link Schema.check} finds. */
export interface SchemaState {
  readonly version: number
  readonly expected: number
  readonly installation: string
  /** For how many weeks to come there are partitions, where the storage has some by the week. */
  readonly weeksAhead?: number
  /** With fewer weeks ahead than this, it is time to make some. The storage makes its own where its role may, and warns where it may not. */
  readonly fewestWeeks?: number
}

/** One step of the tables from version to version. */
export interface Migration {
  readonly id: number
  /** `expand` can run before the new code does, `contract` only after the old code is gone. */
  readonly phase: 'expand' | 'contract'
  readonly sql: readonly string[]
}
