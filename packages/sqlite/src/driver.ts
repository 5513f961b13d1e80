import { ConfigurationError } from '@hooks/core'

/** What SQLite stores here. Numbers are integers; a boolean would end a process that uses libsql. */
export type SqliteValue = string | number | null

/** The part of a prepared statement that the drivers share. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint }
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
}

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

/** Whether the value can be used as a handle. */
export function isHandle(value: unknown): value is SqliteHandle {
  const { prepare, exec, close } = (value ?? {}) as Record<string, unknown>
  return typeof prepare === 'function' && typeof exec === 'function' && typeof close === 'function'
}

/**
 * Where the host's database is, and how to open it once more: the file and the class of the host's handle.
 *
 * @throws ConfigurationError `option_invalid` for a database in memory, which no second connection can reach, and
 * for a wrapper whose class does not open files
 */
export function reopenable(handle: SqliteHandle, driver?: SqliteDriver): { path: string; driver: SqliteDriver } {
  if (isClosed(handle)) throw new ConfigurationError('option_invalid', 'the SQLite handle is closed')
  const databases = handle.prepare('PRAGMA database_list').all() as { name: string; file: string | null }[]
  const path = databases.find(({ name }) => name === 'main')?.file
  if (!path) {
    throw new ConfigurationError('option_invalid', 'the SQLite handle is on a database in memory', {
      hint: 'use a file: the worker needs a connection of its own, and a database in memory has only one. For tests, sqliteStorage(":memory:") opens its own',
    })
  }
  const own = driver ?? (handle as { constructor?: unknown }).constructor
  if (typeof own !== 'function' || own === Object) {
    throw new ConfigurationError('option_invalid', 'the SQLite handle does not tell how to open its file once more', {
      hint: 'pass the class that opens it as the option `driver`: sqliteStorage(handle, { driver: Database })',
    })
  }
  return { path, driver: own as SqliteDriver }
}

const DRIVERS = ['node:sqlite', 'libsql', 'better-sqlite3'] as const

/**
 * The first driver that is there: `node:sqlite`, then `libsql`, then `better-sqlite3`.
 *
 * @throws ConfigurationError `option_invalid` where there is none
 */
export function findDriver(): SqliteDriver {
  const causes: unknown[] = []
  for (const name of DRIVERS) {
    try {
      const driver = name === 'node:sqlite' ? nodeDriver() : load(name)
      if (driver) return driver
    } catch (error) {
      causes.push(error)
    }
  }
  throw new ConfigurationError('option_invalid', 'there is no SQLite driver', {
    hint: 'run on Node.js 22.13 or later, which has one, or install one: npm install libsql, or npm install better-sqlite3',
    cause: new AggregateError(causes, DRIVERS.join(', ')),
  })
}

function nodeDriver(): SqliteDriver | undefined {
  // The types of Node.js 20 do not know the module.
  const module = process.getBuiltinModule('node:sqlite') as { DatabaseSync?: SqliteDriver } | undefined
  return module?.DatabaseSync
}

function load(name: string): SqliteDriver {
  // `__filename` stands in the CommonJS build alone, `import.meta.url` in the other.
  const here = typeof __filename === 'string' ? __filename : import.meta.url
  const { createRequire } = process.getBuiltinModule('node:module')
  return createRequire(here)(name) as SqliteDriver
}
