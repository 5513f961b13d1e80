import { expect, it } from 'vitest'
import { isPool } from '../src/pool.ts'

const run = async () => []

it.each([
  ['a client of Prisma', { $queryRawUnsafe: run, $connect: run }, true],
  ['a transaction of Prisma', { $queryRawUnsafe: run }, false],
  ['a connection that postgres.js reserved', { unsafe: run, release: run }, false],
  ['a database of PGlite, which is one connection', { query: run, transaction: run }, false],
  ['a manager of TypeORM', { query: run, connection: { createQueryRunner: run } }, true],
  [
    'a manager of TypeORM in a transaction',
    { query: run, connection: { createQueryRunner: run }, queryRunner: {} },
    false,
  ],
  ['a query runner of TypeORM', { query: run, connection: { createQueryRunner: run }, startTransaction: run }, false],
  ['a function', run, false],
  ['nothing', null, false],
])('%s: %j', (_, handle, pool) => {
  expect(isPool(handle)).toBe(pool)
})
