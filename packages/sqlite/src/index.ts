export type { SqliteDriver, SqliteHandle, SqliteStatement, SqliteValue } from './driver.ts'
export { type SqliteInbox, type SqliteInboxOptions, sqliteInbox } from './inbox.ts'
export { type SqliteStorageOptions, sqliteStorage } from './storage.ts'
