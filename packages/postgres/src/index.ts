export type {
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
export { toQuery } from './to-query.ts'
