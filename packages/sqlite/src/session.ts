import { ConfigurationError } from '@hooks/core'
import type { SqliteHandle, SqliteStatement, SqliteValue } from './driver.ts'

/** Statements on one connection, prepared once. They are written with the prefix `hooks_`. */
export interface Session {
  /** Runs a statement. Returns how many rows it changed. */
  run(sql: string, ...values: SqliteValue[]): number
  /** The first row. */
  get<Row>(sql: string, ...values: SqliteValue[]): Row | undefined
  /** All rows. */
  all<Row>(sql: string, ...values: SqliteValue[]): Row[]
  /** Runs what gives no rows and is not worth keeping: transactions and definitions. */
  exec(sql: string): void
}

/** Settings of a host's handle that would change what its statements return, by driver. */
interface Settings {
  safeIntegers?(on: boolean): unknown
  setReadBigInts?(on: boolean): unknown
  setReturnArrays?(on: boolean): unknown
}

/** The words of {@link Session} on a connection. */
export function createSession(handle: SqliteHandle, prefix: string): Session {
  const statements = new Map<string, SqliteStatement>()

  function prepared(sql: string): SqliteStatement {
    let statement = statements.get(sql)
    if (!statement) {
      statement = handle.prepare(named(sql, prefix))
      const settings = statement as Settings
      settings.safeIntegers?.(false)
      settings.setReadBigInts?.(false)
      settings.setReturnArrays?.(false)
      statements.set(sql, statement)
    }
    return statement
  }

  function use<T>(sql: string, work: (statement: SqliteStatement) => T): T {
    const statement = prepared(sql)
    try {
      return work(statement)
    } catch (error) {
      // libsql does not reset a statement that failed: its next run would fail with the error of this one.
      statements.delete(sql)
      // Of a handle that was closed and opened again, as `node:sqlite` can be: nothing was run.
      if (/statement has been finalized/.test(String((error as Error).message))) return work(prepared(sql))
      throw error
    }
  }

  return {
    run: (sql, ...values) => use(sql, (statement) => Number(statement.run(...values).changes)),
    get: <Row>(sql: string, ...values: SqliteValue[]) =>
      use(sql, (statement) => statement.get(...values) as Row | undefined),
    all: <Row>(sql: string, ...values: SqliteValue[]) => use(sql, (statement) => statement.all(...values) as Row[]),
    exec: (sql) => {
      handle.exec(named(sql, prefix))
    },
  }
}

/** A statement with the tables that `prefix` names. */
export function named(sql: string, prefix: string): string {
  return prefix === 'hooks_' ? sql : sql.replaceAll('hooks_', prefix)
}

const PREFIX = /^[A-Za-z_][A-Za-z0-9_]*$/

/** @throws ConfigurationError `option_invalid` for what is no plain name */
export function checkPrefix(prefix: string): void {
  if (PREFIX.test(prefix)) return
  throw new ConfigurationError('option_invalid', 'the prefix of the tables is no plain name', {
    hint: 'letters, digits and underscores, such as "hooks_"',
  })
}
