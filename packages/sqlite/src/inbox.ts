import {
  ConfigurationError,
  consoleLogger,
  type Inbox,
  type MaybePromise,
  type Schema,
  systemClock,
  systemRandom,
} from '@hooks/core'
import { createConnection, migrationsFor } from './connection.ts'
import type { SqliteHandle } from './driver.ts'
import { abandon, accept, begin, complete, completedWithin, extend, prune } from './inbox-keys.ts'
import { claim, listDead, nextDueInMs, release, retryDead, settle } from './inbox-work.ts'
import { locate } from './location.ts'
import { checkPrefix, type Session } from './session.ts'
import { INBOX_LEDGER } from './sql/inbox.ts'
import { checkSqliteOptions, type SqliteStorageOptions } from './storage.ts'
import { epochOf } from './time.ts'

/** How a {@link sqliteInbox} is set up: as a storage is. */
export type SqliteInboxOptions = SqliteStorageOptions

/** An {@link Inbox} in SQLite, and the tables that it needs. */
export interface SqliteInbox extends Inbox<SqliteHandle> {
  readonly schema: Schema
}

const TOKEN_BYTES = 12

/**
 * A receiver's idempotency store and inbox in SQLite: one table, in a file beside the application, for one machine and
 * any number of its processes.
 *
 * It opens **a connection of its own** to the file, as `sqliteStorage` does, by the same rules, and works on no other. A
 * handle of the host is used where it is passed as `tx`, for that call alone, synchronously: `begin`, `complete` and
 * `accept` have written, or thrown, when they return, and commit or roll back with the host's transaction. SQLite has
 * one writer at a time: while such a transaction is open, whoever else wants to write waits for `busyTimeoutMs` without
 * blocking the process, then fails with `storage_busy`.
 *
 * Its tables are its own (`hooks_inbox`, `hooks_inbox_meta`), beside or without those of a storage. Call `prune` now and
 * then: what is done or dead is forgotten after its time, and what was begun and never completed after a day.
 *
 * Errors: `storage_busy`, `storage_full`, `storage_closed`, `storage_unavailable`, `schema_missing`, `schema_outdated`,
 * `schema_too_new`; `tx_unsupported` for a `tx` that is no handle on the same file.
 *
 * @example
 * const receiver = createReceiver({ secret, idempotency: sqliteInbox('app.sqlite') })
 *
 * @throws ConfigurationError `option_invalid`: a wrong option, no driver, a handle on a database in memory
 */
export function sqliteInbox(database: SqliteHandle | string, options: SqliteInboxOptions = {}): SqliteInbox {
  checkSqliteOptions('sqliteInbox', options)
  const { clock = systemClock, random = systemRandom, logger = consoleLogger } = options
  const { prefix = 'hooks_', migrate = true, busyTimeoutMs = 5_000 } = options
  checkPrefix(prefix)
  const location = locate(database, options.driver)
  const isShared = location.path !== ':memory:'
  const seams = { clock, random, logger }
  const connection = createConnection({ ...location, ledger: INBOX_LEDGER, prefix, migrate, busyTimeoutMs, ...seams })
  connection.begin()

  const now = () => epochOf(clock)
  const token = () => Buffer.from(random.bytes(TOKEN_BYTES)).toString('hex')
  const read = async <T>(work: (db: Session) => T) => connection.read(work)
  const write = async <T>(work: (db: Session) => T) => connection.write(work)
  /** On the host's handle, or on the own one. */
  const writeIn = <T>(tx: SqliteHandle | undefined, work: (db: Session) => T): MaybePromise<T> => {
    if (tx === undefined) return connection.write(work)
    if (!isShared) {
      throw new ConfigurationError(
        'tx_unsupported',
        'the inbox is in memory, where no transaction of a host reaches it',
        {
          hint: 'use a file',
        },
      )
    }
    return connection.within(tx, work)
  }

  return {
    facts: { clock: 'injected', processes: isShared ? 'many' : 'one', tx: isShared ? 'sync' : 'none', inbox: true },

    begin: (key, { leaseMs, tx }) => writeIn(tx, (db) => begin(db, now(), key, token(), leaseMs)),
    complete: (lease, { keepMs, tx }) => writeIn(tx, (db) => complete(db, now(), lease, keepMs)),
    abandon: (lease) => write((db) => abandon(db, now(), lease)),
    extend: (lease, leaseMs) => write((db) => extend(db, now(), lease, leaseMs)),
    completedWithin: (key, withinMs) => read((db) => completedWithin(db, now(), key, withinMs)),
    prune: (limit) => write((db) => prune(db, now(), limit)),

    accept: ({ key, request }, { keepMs, tx }) => writeIn(tx, (db) => accept(db, now(), key, request, keepMs)),
    claim: (wanted) => write((db) => claim(db, now(), wanted, token())),
    settle: (settlements) => write((db) => settle(db, now(), settlements)),
    release: (leases) => write((db) => release(db, now(), leases)),
    nextDueInMs: (of) => read((db) => nextDueInMs(db, now(), of)),
    dead: (page) => read((db) => listDead(db, now(), page)),
    retry: (keys) => write((db) => retryDead(db, now(), keys)),

    schema: {
      check: async () => {
        const { version, installation } = await connection.meta()
        return { version, expected: INBOX_LEDGER.version, installation }
      },
      migrations: (from = 0) => migrationsFor(INBOX_LEDGER, prefix, from),
      migrate: async () => connection.migrate(),
    },

    close: async () => connection.close(),
  }
}
