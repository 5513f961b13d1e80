/** Opens a storage (path: argument 1), says that it is ready, does what it is told, and kills itself where it is told. */
import { type Storage, silentLogger, systemClock } from '@hooks/core'
import { type Crash, performOperation } from '@hooks/sender/testing'
import { type SqliteDriver, type SqliteHandle, type SqliteStatement, sqliteStorage } from '../../src/index.ts'
import { drivers } from '../drivers.ts'

const [path = '', name = 'libsql'] = process.argv.slice(2)
const Driver = drivers[name] as SqliteDriver
const die = () => process.kill(process.pid, 'SIGKILL')
let failpoint: Crash['failpoint'] | undefined
let now = systemClock.now()
let statements = 0

function step(): void {
  if (failpoint !== undefined && failpoint.statement === ++statements) {
    die()
    // The signal comes at once, and no statement before it.
    for (;;);
  }
}

class DyingDriver implements SqliteHandle {
  readonly #database: SqliteHandle
  constructor(file: string) {
    this.#database = new Driver(file)
  }
  prepare(sql: string): SqliteStatement {
    const statement = this.#database.prepare(sql)
    const counted =
      <T>(run: (...values: never[]) => T) =>
      (...values: unknown[]) => {
        step()
        return run(...(values as never[]))
      }
    return {
      run: counted(statement.run.bind(statement) as never),
      get: counted(statement.get.bind(statement) as never),
      all: counted(statement.all.bind(statement) as never),
    }
  }
  exec(sql: string): unknown {
    step()
    return this.#database.exec(sql)
  }
  close(): unknown {
    return this.#database.close()
  }
}

const clock = { ...systemClock, now: () => now }
const storage = sqliteStorage(path, { clock, logger: silentLogger, driver: DyingDriver }) as Storage
await storage.depth()
process.once('message', async (crash: Crash) => {
  now = crash.now
  failpoint = crash.failpoint
  await performOperation(storage, crash.operation)
  if (failpoint.at === 'after') die()
  process.exit(0)
})
process.send?.('ready')
