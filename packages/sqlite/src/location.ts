import { ConfigurationError } from '@hooks/core'
import { isClosed, isHandle, type SqliteDriver, type SqliteHandle } from './driver.ts'
import { createSession } from './session.ts'

/** A database, and the class that opens it. */
export interface Location {
  readonly path: string
  readonly driver: SqliteDriver
}

/** Where the driver reads URIs, these open a database that no other connection has, or one that is locked otherwise than a file. */
const IN_MEMORY_URI = /^file:(:memory:|[^?]*\?(.*&)?mode=memory)/

/**
 * Where the database is: the path that was given, or the file of the host's handle.
 *
 * @throws ConfigurationError `option_invalid`: neither was given, or a URI of a database in memory, there is no driver, the handle is closed or on a
 * database in memory, or its class is not to be had
 */
export function locate(database: SqliteHandle | string, driver: SqliteDriver | undefined): Location {
  if (typeof database === 'string') {
    if (IN_MEMORY_URI.test(database)) {
      throw new ConfigurationError('option_invalid', 'the path of sqliteStorage is a URI of a database in memory', {
        hint: 'for tests, ":memory:" is one of its own; what several connections share must be a file',
      })
    }
    if (database !== '') return { path: database, driver: driver ?? findDriver() }
  } else if (isHandle(database)) {
    return reopenable(database, driver)
  }
  throw new ConfigurationError(
    'option_invalid',
    'the database of sqliteStorage is neither a path nor a SQLite handle',
    {
      hint: 'pass the path of a file, ":memory:", or a handle of better-sqlite3, libsql or node:sqlite',
    },
  )
}

/**
 * Where the host's database is, and how to open it once more: the file and the class of the host's handle.
 *
 * @throws ConfigurationError `option_invalid` for a database in memory, which no second connection can reach, and
 * for a wrapper whose class does not open files
 */
function reopenable(handle: SqliteHandle, driver: SqliteDriver | undefined): Location {
  if (isClosed(handle)) throw new ConfigurationError('option_invalid', 'the SQLite handle is closed')
  const databases = createSession(handle, '').all<{ name: string; file: string | null }>('PRAGMA database_list')
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
function findDriver(): SqliteDriver {
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
  const { createRequire } = process.getBuiltinModule('node:module')
  return createRequire(import.meta.url)(name) as SqliteDriver
}
