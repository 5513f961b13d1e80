import {
  type Clock,
  checkOptions,
  consoleLogger,
  kind,
  type Logger,
  type MaybePromise,
  type Ms,
  type OptionsRule,
  type Random,
  type Storage,
  systemClock,
  systemRandom,
} from '@hooks/core'
import { claim } from './claim.ts'
import { createConnection, migrationsFor } from './connection.ts'
import type { SqliteDriver, SqliteHandle } from './driver.ts'
import {
  createEndpoint,
  endpointsOf,
  getEndpoint,
  listEndpoints,
  removeEndpoint,
  sweepEndpoint,
  updateEndpoint,
} from './endpoints.ts'
import { expunge } from './expunge.ts'
import {
  findDelivery,
  findMessage,
  listAttempts,
  listDeliveries,
  listMessages,
  listUndelivered,
  stats,
} from './history.ts'
import { cancelJob, claimJobs, createJob, findJob, listJobs, nextJobInMs, releaseJobs, settleJobs } from './jobs.ts'
import { depth, findLanes, hold, nextDueInMs } from './lanes.ts'
import { locate } from './location.ts'
import { add, expand, put, unexpanded } from './outbox.ts'
import { prune } from './prune.ts'
import { retire, revive } from './retire.ts'
import { checkPrefix, type Session } from './session.ts'
import { release, settle } from './settle.ts'
import { STORAGE_LEDGER, VERSION } from './sql/schema.ts'
import { epochOf } from './time.ts'

/** How a {@link sqliteStorage} is set up. Each is optional. */
export interface SqliteStorageOptions {
  /** What the names of its tables begin with: letters, digits and underscores, no digit first. Default: `hooks_`. */
  readonly prefix?: string
  /**
   * Whether it makes its tables, and brings them up to date, by itself. Default: true. Otherwise run
   * `storage.schema.migrate()`, or the statements of `storage.schema.migrations()`, before the first use.
   */
  readonly migrate?: boolean
  /** How long a call goes on trying while another connection has the database locked, in ms. Default: 5000. */
  readonly busyTimeoutMs?: Ms
  /** The class that opens a path, where it is not to be found or must be a special one. */
  readonly driver?: SqliteDriver
  /** Decides what is due. Default: the machine's clock. */
  readonly clock?: Clock
  /** Where lease tokens come from. Default: the platform's random source. */
  readonly random?: Random
  /** Default: warnings to the console. */
  readonly logger?: Logger
}

const TOKEN_BYTES = 12
const KINDS: OptionsRule<keyof SqliteStorageOptions>['kinds'] = {
  prefix: kind.text,
  migrate: kind.flag,
  busyTimeoutMs: { words: 'a number of milliseconds', fits: (value) => Number.isFinite(value) && (value as Ms) >= 0 },
  driver: kind.function,
  clock: kind.clock,
  random: kind.random,
  logger: kind.logger,
}

/** @throws ConfigurationError `option_invalid` */
export const checkSqliteOptions = (of: string, options: SqliteStorageOptions): void =>
  checkOptions(options, { of, kinds: KINDS })

/**
 * A sender's storage in SQLite: a file beside the application, for one machine and any number of its processes.
 *
 * `database` is a path (`:memory:` for tests), or the host's own handle of `better-sqlite3`, `libsql` or
 * `node:sqlite`. Either way it opens **a connection of its own** to the file, in WAL mode and with `synchronous=FULL`,
 * and works on no other: on the host's handle, a rollback of the host would undo what the worker has settled. A
 * handle of the host is used where it is passed as `tx`, for that call alone, synchronously: it has written, or
 * thrown, when it returns.
 *
 * A path is opened with `node:sqlite` (Node.js 22.13 and later), `libsql` or `better-sqlite3`, whichever is there
 * first. An application that opens the file as well passes its handle, or its class as `driver`: two drivers are two
 * copies of SQLite, which do not see each other's locks within one process and can corrupt the file.
 *
 * Calls on a locked database wait without blocking the process, then fail with `storage_busy`. The others of its
 * errors are `storage_full`, `storage_closed`, `storage_unavailable`, `schema_missing`, `schema_outdated` and
 * `schema_too_new`.
 *
 * @example
 * const db = new Database('app.db')
 * const hooks = createSender({ contract, storage: sqliteStorage(db) })
 * db.transaction(() => {
 *   insertBooking.run(booking)
 *   hooks.sendSync('booking.created', booking, { tenant: 'acme', tx: db })
 * }).immediate()
 *
 * @throws ConfigurationError `option_invalid`: a wrong option, no driver, a handle on a database in memory
 */
export function sqliteStorage(
  database: SqliteHandle | string,
  options: SqliteStorageOptions = {},
): Storage<SqliteHandle> {
  checkSqliteOptions('sqliteStorage', options)
  const { clock = systemClock, random = systemRandom, logger = consoleLogger } = options
  const { prefix = 'hooks_', migrate = true, busyTimeoutMs = 5_000 } = options
  checkPrefix(prefix)
  const location = locate(database, options.driver)
  const shared = location.path !== ':memory:'
  const connection = createConnection({
    ...location,
    ledger: STORAGE_LEDGER,
    prefix,
    migrate,
    busyTimeoutMs,
    clock,
    random,
    logger,
  })
  connection.begin()

  const now = () => epochOf(clock)
  const token = () => Buffer.from(random.bytes(TOKEN_BYTES)).toString('hex')
  const read = async <T>(work: (db: Session) => T) => connection.read(work)
  const write = async <T>(work: (db: Session) => T) => connection.write(work)
  /** On the host's handle, or on the own one. */
  const writeIn = <T>(tx: SqliteHandle | undefined, work: (db: Session) => T): MaybePromise<T> =>
    tx === undefined ? connection.write(work) : connection.within(tx, work)

  return {
    facts: { clock: 'injected', processes: shared ? 'many' : 'one', tx: shared ? 'sync' : 'none' },

    put: (messages, tx) => writeIn(tx, (db) => put(db, now(), messages)),
    unexpanded: (limit) => read((db) => unexpanded(db, now(), limit)),
    expand: (expansions) => write((db) => expand(db, now(), expansions)),

    claim: (wanted) => write((db) => claim(db, now(), { ...wanted, token: token() })),
    settle: (settlements) => write((db) => settle(db, now(), settlements)),
    release: (leases) => write((db) => release(db, now(), leases)),
    nextDueInMs: () => read((db) => nextDueInMs(db, now())),
    hold: (changes) => write((db) => hold(db, now(), changes)),
    lanes: (ids) => read((db) => findLanes(db, now(), ids)),
    add: (deliveries) => write((db) => add(db, now(), deliveries)),
    retire: (selector, to, limit) => write((db) => retire(db, now(), selector, to, limit)),
    revive: (selector, limit, cursor, dryRun) => write((db) => revive(db, now(), selector, limit, cursor, dryRun)),
    depth: () => read((db) => depth(db, now())),

    endpoints: {
      get: async (tenant, id, tx) =>
        tx === undefined
          ? connection.read((db) => getEndpoint(db, tenant, id))
          : connection.within(tx, (db) => getEndpoint(db, tenant, id)),
      list: (tenant, page, filter) => read((db) => listEndpoints(db, tenant, page, filter)),
      forTenants: (tenants) => read((db) => endpointsOf(db, tenants)),
      create: async (endpoint, limit, tx) => writeIn(tx, (db) => createEndpoint(db, now(), endpoint, limit)),
      update: async (endpoint, rev, tx) => writeIn(tx, (db) => updateEndpoint(db, now(), endpoint, rev)),
      async remove(tenant, id, tx) {
        if (tx !== undefined) {
          return connection.within(tx, (db) => {
            const removed = removeEndpoint(db, tenant, id)
            while (sweepEndpoint(db, now(), tenant, id));
            return removed
          })
        }
        const removed = await connection.write((db) => removeEndpoint(db, tenant, id))
        // Where it was gone before, too: whoever removed it may have died on the way.
        while (await connection.write((db) => sweepEndpoint(db, now(), tenant, id))) await clock.turn?.()
        return removed
      },
    },

    history: {
      message: (tenant, id) => read((db) => findMessage(db, tenant, id)),
      messages: (selector, page) => read((db) => listMessages(db, selector, page)),
      delivery: (tenant, id) => read((db) => findDelivery(db, now(), tenant, id)),
      deliveries: (selector, page) => read((db) => listDeliveries(db, now(), selector, page)),
      attempts: (tenant, deliveryId) => read((db) => listAttempts(db, tenant, deliveryId)),
      stats: (selector) => read((db) => stats(db, now(), selector)),
      undelivered: (selector, page) => read((db) => listUndelivered(db, selector, page)),
      expunge: (what, limit) => write((db) => expunge(db, now(), what, limit)),
      prune: (what, limit) => write((db) => prune(db, now(), what, limit)),
    },

    jobs: {
      create: (job) => write((db) => createJob(db, now(), job)),
      get: (tenant, id) => read((db) => findJob(db, tenant, id)),
      list: (tenant, page) => read((db) => listJobs(db, tenant, page)),
      cancel: (tenant, id) => write((db) => cancelJob(db, now(), tenant, id)),
      claim: (wanted) => write((db) => claimJobs(db, now(), { ...wanted, token: token() })),
      settle: (settlements) => write((db) => settleJobs(db, now(), settlements)),
      release: (leases) => write((db) => releaseJobs(db, now(), leases)),
      nextDueInMs: () => read((db) => nextJobInMs(db, now())),
    },

    schema: {
      check: async () => {
        const { version, installation } = await connection.meta()
        return { version, expected: VERSION, installation }
      },
      migrations: (from = 0) => migrationsFor(STORAGE_LEDGER, prefix, from),
      migrate: async () => connection.migrate(),
    },

    close: async () => connection.close(),
  }
}
