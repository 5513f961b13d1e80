import { ConfigurationError, HooksError, StorageError } from '@hooks/core'

/** What an error of a driver or a query builder may say, itself or by what it wraps. */
interface DriverError {
  readonly message?: unknown
  readonly code?: unknown
  readonly originalCode?: unknown
}

/** Where libraries keep the error that they wrap: Drizzle, TypeORM, Prisma. */
const WRAPPED = ['cause', 'driverError', 'originalError', 'driverAdapterError', 'meta', 'error'] as const
const DEEPEST = 6

/** The innermost error: what wraps it prints the statement and its parameters. */
export function innermost(error: unknown): DriverError {
  let found = (error ?? {}) as DriverError
  for (let depth = 0; depth < DEEPEST; depth++) {
    const inner = WRAPPED.map((name) => (found as Record<string, unknown>)[name]).find(
      (one) => typeof one === 'object' && one !== null,
    )
    if (!inner) break
    found = inner as DriverError
  }
  return found
}

/** The SQLSTATE of an error, by whichever library it came. */
export function sqlState(error: unknown): string | undefined {
  let found: unknown = error
  const states: string[] = []
  for (let depth = 0; depth < DEEPEST && typeof found === 'object' && found !== null; depth++) {
    const told = found as Record<string, unknown>
    for (const code of [told.code, told.originalCode]) if (isState(code)) states.push(code)
    found = WRAPPED.map((name) => told[name]).find((one) => typeof one === 'object' && one !== null)
  }
  return states.at(-1)
}

/** Five digits and capitals. Not `EPIPE`, and not Prisma's `P2010`. */
const isState = (code: unknown): code is string =>
  typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !/^P[1-9]/.test(code)

/** That the host closed its pool or client, in the words of its driver. */
const CLOSED =
  /after calling end on the pool|pool is closed|was closed and is not queryable|PGlite is closed|CONNECTION_ENDED|unable to acquire a connection|driver is not connected|driver has already been destroyed/i

/** That node-postgres has waited for as long as its `query_timeout`, in its words. */
const UNANSWERED = /query read timeout/i

/** Not serializable, a deadlock, a key that is taken; and a schema or table that is there, where a repeatable read has not seen it. */
const CONTENTION = new Set(['40001', '40P01', '23505', '42P06', '42P07'])

/** That a statement would do no harm again: another transaction was in its way, and nothing was written. */
export const isContention = (error: unknown): boolean => CONTENTION.has(sqlState(error) ?? '')

/**
 * The error that a caller gets for what a driver threw. Its cause is the server's error alone: what query builders wrap
 * around it prints parameters, and so do the server's details and its complaints about values.
 */
export function storageError(error: unknown, of: 'storage' | 'inbox' = 'storage'): HooksError {
  if (error instanceof HooksError) return error
  const told = innermost(error)
  const state = sqlState(error)
  const cause = serverError(told, state)
  const fail = (code: ConstructorParameters<typeof StorageError>[0], message: string, hint: string) =>
    new StorageError(code, message, { hint, cause })

  if (state === undefined) {
    const code = typeof told.code === 'string' ? told.code : ''
    if (UNANSWERED.test(String(told.message)))
      return fail(
        'storage_busy',
        'PostgreSQL did not answer in time',
        'what was asked may still be done: every call is safe to repeat',
      )
    if (CLOSED.test(`${code} ${String(told.message)}`)) return closed(cause)
    return fail(
      'storage_unavailable',
      `PostgreSQL was not reached${code && `: ${code}`}`,
      'is it running, and is the address right? the cause says more',
    )
  }
  switch (state) {
    case '42P01':
    case '3F000':
    case '42883':
    case '42703':
      return schemaMissing(of, cause)
    case '40001':
    case '40P01':
      return fail(
        'storage_busy',
        'another transaction was in the way; nothing was written',
        'inside a transaction of your own: roll it back and run all of it again',
      )
    case '57014':
    case '55P03':
    case '25P03':
    case '25P04':
      return fail(
        'storage_busy',
        'the statement was cancelled by a timeout or by hand; nothing was written',
        'look at statement_timeout and lock_timeout, and for transactions that stay open',
      )
    case '25P02':
      return fail(
        'transaction_aborted',
        'an earlier statement of the transaction has failed, and PostgreSQL refuses all later ones',
        'roll it back, and run all of it again',
      )
    case '28000':
    case '28P01':
      return fail(
        'storage_denied',
        'PostgreSQL did not let the role in',
        'look at the user name and the password of the connection, and at pg_hba.conf; the cause names the role',
      )
    case '42501':
      return fail(
        'storage_denied',
        'the role may not do this in the database',
        `grant it: \`${of}.schema.check()\` works without, and \`${of}.schema.migrations()\` has what an owner can run`,
      )
    case '53100':
      return full(cause)
    case '23514':
      return fail(
        'schema_outdated',
        'there is no partition for this week; nothing was written',
        'call `await storage.schema.migrate()` as the owner of the tables: it makes partitions ahead',
      )
    case '3D000':
      return fail(
        'storage_unavailable',
        'the server has no such database',
        'create it, or correct its name in the connection; the cause has the name',
      )
    case '25006':
      return fail(
        'storage_unavailable',
        'the server takes no writes: it is a replica, or was made read-only',
        'connect to the primary',
      )
    case '22021':
    case '22P05':
      return new ConfigurationError('option_invalid', 'a text holds a character that PostgreSQL does not store', {
        hint: 'texts may hold any character but NUL, in a database whose encoding is UTF8',
        cause,
      })
  }
  if (/no space left on device/i.test(String(told.message))) return full(cause)
  return fail('storage_unavailable', `PostgreSQL failed: ${state}`, 'the cause says why')
}

const full = (cause: unknown) =>
  new StorageError('storage_full', 'the disk of the database is full; nothing was written', {
    hint: 'make space: everything goes on by itself',
    cause,
  })

/** The server's error without what could be a value: its details, its context, and all of it where it is about one. */
function serverError({ message }: DriverError, state: string | undefined): Error {
  const isAboutValue = state !== undefined && /^2[23]/.test(state)
  const error = new Error(isAboutValue ? `SQLSTATE ${state}` : String(message ?? 'no message'))
  return Object.assign(error, state !== undefined && { code: state })
}

/** The tables are not there. */
export function schemaMissing(of: 'storage' | 'inbox', cause?: unknown): StorageError {
  return new StorageError('schema_missing', `the tables of the ${of} are not in the database`, {
    hint: `run \`await ${of}.schema.migrate()\` once with a role that may create a schema, or the statements of \`${of}.schema.migrations()\` with your own migrations; on your own machine, the option \`migrate: true\` will do`,
    ...(cause !== undefined && { cause }),
  })
}

/** {@link Storage.close} was called, or the host closed its pool. */
export function closed(cause?: unknown): StorageError {
  return new StorageError('storage_closed', 'the connection to the database is closed', {
    ...(cause !== undefined && { cause }),
  })
}
