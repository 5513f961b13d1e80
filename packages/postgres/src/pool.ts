/** What tells the pools and databases of all libraries from their transactions. */
interface Shape {
  readonly totalCount?: unknown
  readonly unsafe?: unknown
  readonly begin?: unknown
  readonly raw?: unknown
  readonly executeQuery?: unknown
  readonly isTransaction?: unknown
  readonly $client?: unknown
  readonly $connect?: unknown
  readonly createQueryRunner?: unknown
  readonly connection?: unknown
  readonly queryRunner?: unknown
  readonly startTransaction?: unknown
}

const isFunction = (value: unknown): boolean => typeof value === 'function'

/**
 * Whether a handle takes a connection of its own for each statement, so that none of them is in a transaction of the
 * host's. A single connection may be in one, and a function of the host's may lead to it: they are taken at their word.
 */
export function isPool(handle: unknown): boolean {
  if (handle === null || (typeof handle !== 'object' && typeof handle !== 'function')) return false
  const shape = handle as Shape
  const { createQueryRunner } = (shape.connection ?? {}) as Shape
  return (
    typeof shape.totalCount === 'number' || // node-postgres
    (isFunction(shape.unsafe) && isFunction(shape.begin)) || // postgres.js
    ((isFunction(shape.raw) || isFunction(shape.executeQuery)) && shape.isTransaction !== true) || // Knex, Kysely
    isPool(shape.$client) || // Drizzle
    isFunction(shape.$connect) || // Prisma
    isFunction(shape.createQueryRunner) || // TypeORM, and its manager, which is no query runner and has none
    (isFunction(createQueryRunner) && shape.queryRunner === undefined && !isFunction(shape.startTransaction))
  )
}
