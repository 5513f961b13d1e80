import type { Wait } from '@hooks/core'

/**
 * Runs one statement with its `$1` parameters and resolves to its rows. Every parameter is text or null, and cast where
 * it stands (`$1::text::bigint`), so that no driver has to guess a type; every row's columns are single lower-case
 * words, which no driver's renaming touches. A statement with a `name` is prepared under it, once a connection, by those
 * drivers that can. With a `wait`, a pool of node-postgres closes the connection that has not answered when it is over; the
 * others have no such thing.
 */
export type Query = <Row>(
  text: string,
  parameters?: readonly (string | null)[],
  name?: string,
  wait?: Wait,
) => Promise<readonly Row[]>

/** What `query` of node-postgres, PGlite or TypeORM resolves to: rows, or an object with them. */
type Result = readonly unknown[] | { readonly rows: readonly unknown[] }

/** A statement as node-postgres (Pool, Client, PoolClient), PGlite, and TypeORM's QueryRunner and EntityManager run it. */
export interface QueryHandle {
  // biome-ignore lint/suspicious/noExplicitAny: the parameters of every library's own.
  query(text: string, parameters?: any): PromiseLike<any>
}

/** The `sql` of postgres.js, of the pool or of a transaction. */
export interface PostgresJsHandle {
  // biome-ignore lint/suspicious/noExplicitAny: the parameters of the library's own.
  unsafe(text: string, parameters?: any, options?: { prepare?: boolean }): PromiseLike<readonly any[]>
}

/** A database or a transaction of Drizzle, on any of its PostgreSQL drivers. */
export interface DrizzleHandle {
  // biome-ignore lint/suspicious/noExplicitAny: a query of the library's own.
  execute(query: any): PromiseLike<any>
}

/** A database or a transaction of Kysely. */
export interface KyselyHandle {
  // biome-ignore lint/suspicious/noExplicitAny: a query of the library's own.
  executeQuery(query: any): Promise<{ readonly rows: readonly unknown[] }>
}

/** A database or a transaction of Knex. */
export interface KnexHandle {
  // biome-ignore lint/suspicious/noExplicitAny: the bindings of the library's own.
  raw(text: string, bindings?: any): PromiseLike<any>
}

/** A client or a transaction of Prisma. */
export interface PrismaHandle {
  $queryRawUnsafe<T = unknown>(text: string, ...parameters: unknown[]): PromiseLike<T>
}

/** Any way to run a statement: `$1` parameters, all of them text or null. It resolves to rows, or an object with `rows`. */
export type QueryFunction = (text: string, parameters: (string | null)[]) => PromiseLike<Result> | Result

/** What can run a statement: a pool or client of a driver, a database or transaction of a query builder, or a function. */
export type PostgresHandle =
  | QueryHandle
  | PostgresJsHandle
  | DrizzleHandle
  | KyselyHandle
  | KnexHandle
  | PrismaHandle
  | QueryFunction
