export type { SqliteDriver, SqliteHandle, SqliteStatement, SqliteValue } from './driver.ts'
export { type SqliteStorageOptions, sqliteStorage } from './storage.ts'
