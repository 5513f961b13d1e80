import type { Wait } from '@hooks/core'
import { ConfigurationError } from '@hooks/core'
import type {
  DrizzleHandle,
  KnexHandle,
  KyselyHandle,
  PostgresHandle,
  PostgresJsHandle,
  PrismaHandle,
  Query,
  QueryFunction,
  QueryHandle,
} from './handle.ts'
import { ask, isNodePostgres } from './node-postgres.ts'

type Run = (text: string, parameters: (string | null)[], name?: string, wait?: Wait) => PromiseLike<unknown> | unknown

/**
 * The one way in which this package runs statements, on whatever handle the host has. It is told by its shape, so that
 * none of the libraries is imported: node-postgres, postgres.js, PGlite, Drizzle, Kysely, Knex, Prisma and TypeORM, their
 * pools as well as their transactions, and any function that runs a statement.
 *
 * @throws ConfigurationError `tx_unsupported`: it is none of them
 */
export function toQuery(handle: PostgresHandle): Query {
  const run = runner(handle)
  return async <Row>(text: string, parameters: readonly (string | null)[] = [], name?: string, wait?: Wait) =>
    rowsOf(await run(text, [...parameters], name, wait)) as Row[]
}

function runner(handle: PostgresHandle): Run {
  if (has<PostgresJsHandle>(handle, 'unsafe'))
    // It makes names of its own, and none where its option `prepare` is false.
    return (text, parameters, name) => handle.unsafe(text, parameters, { prepare: name !== undefined })
  if (has<PrismaHandle>(handle, '$queryRawUnsafe'))
    return (text, parameters) => handle.$queryRawUnsafe(text, ...parameters)
  if (has<KyselyHandle>(handle, 'executeQuery'))
    return (text, parameters) => handle.executeQuery(kyselyQuery(text, parameters))
  if (has<KnexHandle>(handle, 'raw')) return (text, parameters) => handle.raw(...knexQuery(text, parameters))
  if (has<DrizzleHandle>(handle, 'execute') && 'dialect' in handle)
    return (text, parameters) => handle.execute(drizzleQuery(text, parameters))
  if (has<QueryHandle>(handle, 'query'))
    return isNodePostgres(handle)
      ? (text, values, name, wait) => ask(handle, { name, text, values }, wait)
      : (text, parameters) => handle.query(text, parameters)
  if (typeof handle === 'function') {
    const query = handle as QueryFunction
    return (text, parameters) => query(text, parameters)
  }
  throw new ConfigurationError('tx_unsupported', 'this is no handle that runs statements on PostgreSQL', {
    hint: 'pass a pool or client of pg, the sql of postgres.js, a PGlite, a database or transaction of Drizzle, Kysely, Knex, Prisma or TypeORM, or a function (text, parameters) => rows',
  })
}

function has<T extends object>(handle: unknown, method: keyof T & string): handle is T {
  if (handle === null || (typeof handle !== 'object' && typeof handle !== 'function')) return false
  return typeof (handle as Record<string, unknown>)[method] === 'function'
}

function rowsOf(result: unknown): readonly unknown[] {
  if (Array.isArray(result)) return result
  const rows = (result as { rows?: unknown } | null | undefined)?.rows
  if (Array.isArray(rows)) return rows
  throw new ConfigurationError('tx_unsupported', 'the handle ran a statement and did not give its rows', {
    hint: 'a function must resolve to the rows of the statement, or to an object with `rows`',
  })
}

/** What `sql.raw(...)` with parameters would compile to. */
function kyselyQuery(sql: string, parameters: readonly (string | null)[]) {
  return {
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: 'hooks' },
    sql,
    parameters,
  }
}

/** Knex numbers its own placeholders, in the order in which they stand. */
function knexQuery(text: string, parameters: readonly (string | null)[]): [string, (string | null)[]] {
  const bindings: (string | null)[] = []
  const sql = text.replace(/\$(\d+)/g, (_, n) => {
    bindings.push(parameters[Number(n) - 1] ?? null)
    return '?'
  })
  // Without bindings it leaves question marks alone, and there are none but these.
  return [sql, bindings]
}

/** An `SQL` of Drizzle, which its dialect asks for text and parameters. */
function drizzleQuery(sql: string, params: readonly (string | null)[]) {
  const compiled = { toQuery: () => ({ sql, params: [...params] }), getSQL: () => compiled }
  return compiled
}
