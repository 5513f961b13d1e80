import { createRequire } from 'node:module'
import Libsql from 'libsql'
import type { SqliteDriver } from '../src/index.ts'

/** The drivers that this machine and this Node.js have, by name. */
export const drivers: Readonly<Record<string, SqliteDriver>> = {
  libsql: Libsql,
  ...nodeSqlite(),
  ...betterSqlite3(),
}

function nodeSqlite(): Record<string, SqliteDriver> {
  const module = process.getBuiltinModule('node:sqlite') as { DatabaseSync: SqliteDriver } | undefined
  return module ? { 'node:sqlite': module.DatabaseSync } : {}
}

/** Where it is installed: its present version needs Node.js 22. */
function betterSqlite3(): Record<string, SqliteDriver> {
  // Elsewhere it does not throw: it ends the process.
  if (Number.parseInt(process.versions.node, 10) < 22) return {}
  try {
    const driver = createRequire(import.meta.url)('better-sqlite3') as SqliteDriver
    new driver(':memory:').close()
    return { 'better-sqlite3': driver }
  } catch {
    return {}
  }
}
