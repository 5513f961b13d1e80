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
export { type PostgresInbox, type PostgresInboxOptions, postgresInbox } from './inbox.ts'
export { type ListenClient, type PostgresQueueOptions, postgresQueue } from './queue.ts'
export { type PostgresStorageOptions, postgresStorage } from './storage.ts'
export { toQuery } from './to-query.ts'
