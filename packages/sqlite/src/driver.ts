/** What SQLite stores here. Numbers are integers; a boolean would end a process that uses libsql. */
export type SqliteValue = string | number | Buffer | null

/**
 * The part of a prepared statement that the drivers share. It is asked with {@link SqliteValue}s alone; its type says any,
 * because TypeScript 5 finds the types of better-sqlite3, which libsql has too, to take no null.
 */
export interface SqliteStatement {
  run(...values: Any[]): { readonly changes: number | bigint }
  get(...values: Any[]): unknown
  all(...values: Any[]): unknown[]
}
// biome-ignore lint/suspicious/noExplicitAny: as above.
type Any = any

/**
 * A synchronous connection to SQLite. `DatabaseSync` of `node:sqlite`, and the `Database` of `better-sqlite3` and
 * of `libsql`, are one each, as they are.
 */
export interface SqliteHandle {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  close(): unknown
}

/** The class of a {@link SqliteHandle}. */
export type SqliteDriver = new (path: string) => SqliteHandle

/** What a handle may tell of itself: each driver has its own words for it. */
interface Telltales {
  /** better-sqlite3 and libsql; a method on `node:sqlite`. */
  readonly open?: unknown
  /** `node:sqlite`. */
  readonly isOpen?: unknown
  /** better-sqlite3 and libsql. */
  readonly inTransaction?: unknown
  /** `node:sqlite` from 22.16 and 24.0. */
  readonly isTransaction?: unknown
}

/** Whether the handle is known to be closed. libsql ends the process when a closed handle is asked anything else. */
export function isClosed(handle: SqliteHandle): boolean {
  const { open, isOpen } = handle as Telltales
  return open === false || isOpen === false
}

/** Whether a transaction is open on the handle; undefined where its driver does not tell. */
export function isInTransaction(handle: SqliteHandle): boolean | undefined {
  const { inTransaction, isTransaction } = handle as Telltales
  const told = inTransaction ?? isTransaction
  return typeof told === 'boolean' ? told : undefined
}

/**
 * Whether the handle is known to come from another driver than `driver`. A plain wrapper tells nothing, and a class and
 * its subclass are one driver.
 */
export function isForeign(handle: SqliteHandle, driver: SqliteDriver): boolean {
  const { constructor: own } = handle as { constructor?: unknown }
  if (typeof own !== 'function' || own === Object || handle instanceof driver) return false
  return !(driver.prototype instanceof own)
}

/** Whether the value can be used as a handle. */
export function isHandle(value: unknown): value is SqliteHandle {
  const { prepare, exec, close } = (value ?? {}) as Record<string, unknown>
  return typeof prepare === 'function' && typeof exec === 'function' && typeof close === 'function'
}
