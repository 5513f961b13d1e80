import Libsql from 'libsql'
import type { SqliteDriver, SqliteHandle } from '../src/index.ts'

/** A driver that writes down every statement that is prepared with it. */
export function recordingDriver(statements: Set<string>): SqliteDriver {
  return class implements SqliteHandle {
    readonly #database: SqliteHandle
    constructor(path: string) {
      this.#database = new Libsql(path)
    }
    prepare(sql: string) {
      statements.add(sql)
      return this.#database.prepare(sql)
    }
    exec(sql: string) {
      return this.#database.exec(sql)
    }
    close() {
      return this.#database.close()
    }
  }
}
