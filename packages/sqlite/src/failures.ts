import { HooksError, StorageError } from '@hooks/core'

/** What a driver's error says: better-sqlite3 and libsql have the name, libsql and `node:sqlite` the number. */
interface DriverError {
  readonly message?: unknown
  readonly code?: unknown
  readonly rawCode?: unknown
  readonly errcode?: unknown
}

const BUSY = 5
const LOCKED = 6
const FULL = 13
/** Growing the shared memory file of the log failed, which it does on a full disk. */
const IOERR_SHMSIZE = 4874

const numbers: Readonly<Record<string, number>> = {
  SQLITE_BUSY: BUSY,
  SQLITE_LOCKED: LOCKED,
  SQLITE_FULL: FULL,
  SQLITE_IOERR_SHMSIZE: IOERR_SHMSIZE,
}

/** SQLite's result code, the extended one where the driver gives it. */
function resultCode({ errcode, rawCode, code }: DriverError): number | undefined {
  for (const number of [errcode, rawCode]) if (typeof number === 'number') return number
  if (typeof code !== 'string') return undefined
  // SQLITE_BUSY_SNAPSHOT and its like are named after the code that they refine.
  return numbers[code] ?? numbers[code.split('_').slice(0, 2).join('_')]
}

/**
 * The error that a caller gets for what a driver threw. It carries the driver's error as its cause: SQLite names
 * tables and columns in it, never values.
 */
export function storageError(error: unknown): HooksError {
  if (error instanceof HooksError) return error
  const told = (error ?? {}) as DriverError
  const code = resultCode(told)
  const primary = code === undefined ? undefined : code & 0xff
  const message = String(told.message)
  if (primary === BUSY || primary === LOCKED) return busy(error)
  if (primary === FULL || code === IOERR_SHMSIZE) {
    return new StorageError('storage_full', 'the disk of the database is full; nothing was written', {
      hint: 'make space: everything goes on by itself',
      cause: error,
    })
  }
  if (/no such (table|column)|has no column named/.test(message)) return schemaMissing(error)
  if (/\b(not open|is closed|already closed)\b/.test(message)) return closed(error)
  return new StorageError(
    'storage_unavailable',
    `SQLite failed${typeof told.code === 'string' ? `: ${told.code}` : ''}`,
    {
      hint: 'the cause says why: the file, its folder and the files beside it (-wal, -shm) must be readable and writable',
      cause: error,
    },
  )
}

/** The database stayed locked. */
function busy(cause: unknown): StorageError {
  return new StorageError('storage_busy', 'the database is locked by another connection; nothing was written', {
    hint: 'inside a transaction of this process, pass its handle as `tx`; keep transactions short, and begin them with BEGIN IMMEDIATE, because one that has read before it writes cannot wait for the lock',
    cause,
  })
}

/** The tables are not there. */
export function schemaMissing(cause?: unknown): StorageError {
  return new StorageError('schema_missing', 'the tables of Hooks are not in the database', {
    hint: 'call `await storage.schema.migrate()` (or `inbox.schema`) before the first use, or run the statements of `schema.migrations()`',
    cause,
  })
}

/** {@link Storage.close} was called, or the host closed its handle. */
export function closed(cause?: unknown): StorageError {
  return new StorageError('storage_closed', 'the connection to the database is closed', { cause })
}
