import {
  backoff,
  type Clock,
  ConfigurationError,
  isHooksError,
  type Logger,
  type MaybePromise,
  type Ms,
  type Random,
  StorageError,
} from '@hooks/core'
import { isClosed, isForeign, isHandle, isInTransaction, type SqliteDriver, type SqliteHandle } from './driver.ts'
import { closed, schemaMissing, storageError } from './failures.ts'
import { createSession, named, type Session } from './session.ts'
import type { Ledger } from './sql/ledger.ts'

/** What {@link createConnection} needs. */
export interface ConnectionOptions {
  readonly path: string
  readonly driver: SqliteDriver
  readonly prefix: string
  /** The tables that are worked on. */
  readonly ledger: Ledger
  readonly migrate: boolean
  readonly busyTimeoutMs: Ms
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** The version of the tables, and which database it is. Version 0 is a database without them. */
export interface Meta {
  readonly version: number
  /** The oldest release of this package, by the version it writes, that may still use them. */
  readonly leastClient: number
  readonly installation: string
}

/**
 * How long SQLite itself waits for a lock. It waits without letting anything else of the process run, perhaps for a
 * lock that the process itself holds; so it only sits out another process's commit, and longer waits are ours.
 */
const BLOCK_MS: Ms = 25
const WARN_AFTER_MS: Ms = 1_000

/**
 * The storage's own connection: one transaction at a time, each of them synchronous. It is opened, and its tables
 * are made, by whatever comes first and finds the database free.
 */
export function createConnection(options: ConnectionOptions) {
  const { path, driver: Driver, prefix, ledger, clock, random, logger } = options
  const hosts = new WeakMap<SqliteHandle, Session>()
  let handle: SqliteHandle | undefined
  let own: Session | undefined
  /** The database's id, once its tables are known to be right. */
  let installation: string | undefined
  let isOver = false

  function open(): Session {
    if (isOver) throw closed()
    if (own) return own
    const opened = new Driver(path)
    try {
      const session = createSession(opened, prefix)
      session.exec(`PRAGMA busy_timeout = ${BLOCK_MS}`)
      const { journal_mode: mode } = session.get<{ journal_mode: string }>('PRAGMA journal_mode = WAL') ?? {}
      if (mode !== 'wal' && path !== ':memory:') {
        logger.warn({ mode }, 'hooks: the database has no write-ahead log, so readers and writers wait for each other')
      }
      session.exec('PRAGMA synchronous = FULL')
      handle = opened
      own = session
      return session
    } catch (error) {
      opened.close()
      throw error
    }
  }

  /** The session, on tables that are right. */
  function ready(): Session {
    const session = open()
    if (installation === undefined) {
      if (options.migrate && readMeta(session, ledger).version < ledger.version) migrateNow()
      installation = checked(readMeta(session, ledger), ledger).installation
    }
    return session
  }

  function migrateNow(): void {
    const session = open()
    transaction(session, () => {
      const { version } = readMeta(session, ledger)
      for (const { id, sql } of ledger.migrations) {
        if (id <= version) continue
        for (const statement of sql) session.exec(statement)
      }
    })
  }

  /** Runs `work` and commits, or throws and has changed nothing. */
  function transaction<T>(session: Session, work: () => T): T {
    session.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      session.exec('COMMIT')
      return result
    } catch (error) {
      attempt(() => session.exec('ROLLBACK'))
      throw error
    }
  }

  /**
   * Runs `work`, and again for as long as the database is locked. It runs at once, and gives its result at once where
   * it was not locked. Everything that comes here is safe to repeat, also after a commit that was not confirmed.
   */
  function insist<T>(work: () => T): MaybePromise<T> {
    try {
      return work()
    } catch (error) {
      const failure = storageError(error)
      if (!isHooksError(failure, 'storage_busy')) throw failure
      return insistLater(work, failure)
    }
  }

  async function insistLater<T>(work: () => T, first: Error): Promise<T> {
    const start = clock.monotonic()
    let warned = false
    for (let failures = 1, failure = first; ; failures++) {
      const waitedMs = clock.monotonic() - start
      if (!isHooksError(failure, 'storage_busy') || waitedMs >= options.busyTimeoutMs) throw failure
      if (!warned && waitedMs >= WARN_AFTER_MS) {
        warned = true
        logger.warn({ waitedMs }, 'hooks: the database is locked by another connection; waiting')
      }
      await clock.sleep(
        Math.min(backoff(failures, random, { firstMs: 5, mostMs: 200 }), options.busyTimeoutMs - waitedMs),
      )
      try {
        return work()
      } catch (error) {
        failure = storageError(error)
      }
    }
  }

  /** The words for the host's handle, once it is known to be on this very database. */
  function host(tx: SqliteHandle): Session {
    const known = hosts.get(tx)
    if (known) return known
    const session = createSession(tx, prefix)
    // Where the own connection cannot look (the host's transaction may keep it out), the tables alone must do.
    if (installation === undefined) attempt(ready)
    const meta = checked(readMeta(session, ledger), ledger)
    if (installation === undefined) return session
    if (meta.installation !== installation) {
      throw new ConfigurationError('tx_unsupported', 'the transaction is on another database than the storage', {
        hint: 'pass a handle on the file that sqliteStorage was given',
      })
    }
    if (isForeign(tx, Driver)) {
      logger.warn(
        { own: Driver.name },
        'hooks: the transaction comes from another SQLite driver than the storage; two of them on one file in one process can corrupt it, so pass the handle itself to sqliteStorage or sqliteInbox',
      )
    }
    hosts.set(tx, session)
    return session
  }

  return {
    /** Runs `work` in a transaction of its own, now or, where the database is locked, later. */
    write: <T>(work: (session: Session) => T): MaybePromise<T> =>
      insist(() => {
        const session = ready()
        return transaction(session, () => work(session))
      }),

    /** Runs `work`, which reads by a single statement. */
    read: <T>(work: (session: Session) => T): MaybePromise<T> => insist(() => work(ready())),

    /**
     * Runs `work` on the host's handle, all or nothing, and in the host's transaction. There it sets a savepoint:
     * a host that catches the error and commits all the same does not keep a half. Where the host has begun none,
     * `work` gets a transaction of its own.
     */
    within<T>(tx: SqliteHandle, work: (session: Session) => T): T {
      if (isOver) throw closed()
      if (!isHandle(tx)) {
        throw new ConfigurationError('tx_unsupported', 'the transaction is no SQLite handle', {
          hint: 'pass the handle of better-sqlite3, libsql or node:sqlite on which the transaction was begun',
        })
      }
      if (isClosed(tx)) throw closed()
      try {
        const session = host(tx)
        if (isInTransaction(tx) === false) return transaction(session, () => work(session))
        return savepoint(session, () => work(session))
      } catch (error) {
        throw storageError(error)
      }
    },

    /** Opens and prepares the database, unless it is locked or broken: then the first use does, and reports. */
    begin(): void {
      try {
        ready()
      } catch (error) {
        if (error instanceof ConfigurationError) throw error
        logger.debug({ error }, 'hooks: the database could not be prepared yet')
      }
    },

    meta: (): MaybePromise<Meta> => insist(() => readMeta(open(), ledger)),
    migrate: (): MaybePromise<void> =>
      insist(() => {
        if (readMeta(open(), ledger).version < ledger.version) migrateNow()
        checked(readMeta(open(), ledger), ledger)
      }),

    close(): void {
      isOver = true
      own = undefined
      handle?.close()
      handle = undefined
    },
  }

  function savepoint<T>(session: Session, work: () => T): T {
    session.exec('SAVEPOINT hooks_put')
    try {
      const result = work()
      session.exec('RELEASE hooks_put')
      return result
    } catch (error) {
      // SQLite has rolled back the whole transaction already where this fails.
      attempt(() => {
        session.exec('ROLLBACK TO hooks_put')
        session.exec('RELEASE hooks_put')
      })
      throw error
    }
  }
}

/** The plain statements of the migrations after version `from`. */
export function migrationsFor({ migrations }: Ledger, prefix: string, from: number) {
  return migrations
    .filter(({ id }) => id > from)
    .map(({ sql, ...migration }) => ({
      ...migration,
      sql: sql.map((statement) => named(statement, prefix)),
    }))
}

function readMeta(session: Session, { hasMeta, readMeta: read }: Ledger): Meta {
  const nothing: Meta = { version: 0, leastClient: 0, installation: '' }
  if (!session.get(hasMeta)) return nothing
  const row = session.get<{ version: number; least_client: number; installation: string }>(read)
  return row ? { version: row.version, leastClient: row.least_client, installation: row.installation } : nothing
}

function checked(meta: Meta, { version }: Ledger): Meta {
  if (meta.version === 0) throw schemaMissing()
  if (meta.version < version) {
    throw new StorageError(
      'schema_outdated',
      `the tables have version ${meta.version}, and this release needs ${version}`,
      {
        hint: 'call `await storage.schema.migrate()` (or `inbox.schema`), or run the statements of `schema.migrations()`',
      },
    )
  }
  if (meta.leastClient > version) {
    throw new StorageError(
      'schema_too_new',
      `the tables have version ${meta.version}, and this release knows ${version}`,
      {
        hint: 'update @hooks/sqlite in this process: a newer release has changed the tables',
      },
    )
  }
  return meta
}

/** For what may fail without harm. */
function attempt(work: () => unknown): void {
  try {
    work()
  } catch {
    // The error that led here, or the next statement, says more.
  }
}
