import {
  type Clock,
  checkOptions,
  consoleLogger,
  kind,
  type Logger,
  type Ms,
  type OptionsRule,
  type Random,
  type Storage,
  systemClock,
  systemRandom,
} from '@hooks/core'
import { claim } from './claim.ts'
import { openDatabase } from './database.ts'
import { createEndpoint, endpointsOf, getEndpoint, listEndpoints, removeEndpoint, updateEndpoint } from './endpoints.ts'
import { expunge } from './expunge.ts'
import type { PostgresHandle } from './handle.ts'
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
import { type Component, migrationsOf, versionOf } from './ledger.ts'
import { add, expand, put, unexpanded } from './outbox.ts'
import { createUpkeep } from './partitions.ts'
import { prune } from './prune.ts'
import { retire, revive } from './retire.ts'
import { checkSchema } from './schema-name.ts'
import { release, settle } from './settle.ts'
import { FEWEST_WEEKS, MAKE_PARTITIONS, STORAGE_MIGRATIONS } from './sql/schema.ts'
import { createWatermark, type Reach } from './watermark.ts'

/** How a {@link postgresStorage} is set up. Each is optional. */
export interface PostgresStorageOptions {
  /** The schema of its tables: a schema of its own, in lower case. Default: `hooks`. */
  readonly schema?: string
  /**
   * Whether it makes its tables, and brings them up to date, before its first use. Default: false. Otherwise run
   * `storage.schema.migrate()` when you deploy, or the statements of `storage.schema.migrations()` with your own
   * migrations.
   */
  readonly migrate?: boolean
  /** How long a statement may take before its connection is left behind, in ms. Default: 30000. */
  readonly timeoutMs?: Ms
  /**
   * Whether the statements that run all the time are prepared. Default: true, with `pg` and postgres.js, and for as long as
   * the server knows them again: behind PgBouncer older than 1.21 that pools by transaction, the first that is gone is
   * noticed, and all goes on without. False prepares none.
   */
  readonly preparedStatements?: boolean
  /** Sleeps between tries. What is due is decided by the database's clock. Default: the machine's. */
  readonly clock?: Clock
  /** Where lease tokens come from. Default: the platform's random source. */
  readonly random?: Random
  /** Default: warnings to the console. */
  readonly logger?: Logger
}

const RULE: OptionsRule<keyof PostgresStorageOptions> = {
  of: 'postgresStorage',
  kinds: {
    schema: kind.text,
    migrate: kind.flag,
    timeoutMs: kind.ms,
    preparedStatements: kind.flag,
    clock: kind.clock,
    random: kind.random,
    logger: kind.logger,
  },
}
const STORAGE: Component = { name: 'storage', migrations: STORAGE_MIGRATIONS, upkeep: MAKE_PARTITIONS }
const VERSION = versionOf(STORAGE)
const TOKEN_BYTES = 12
/** A statement of ours holds a lane for some milliseconds, or for seconds where something is slow. */
const LANES_REACH: Reach = { usualMs: 100, fartherMs: 10_000 }
/** As long as most transactions of a host last. */
const OUTBOX_REACH: Reach = { usualMs: 5_000, fartherMs: 300_000 }

/**
 * A sender's storage in the host's PostgreSQL, 14 to 18, for any number of processes.
 *
 * `database` is what the host has: a `Pool` of `pg`, the `sql` of postgres.js, a PGlite, a database of Drizzle, Kysely,
 * Knex, Prisma or TypeORM, or a function `(text, parameters) => rows`. Give it a pool, not a client on which the host
 * begins transactions. Each call is one statement, or two, each complete in itself: no session state but prepared
 * statements, without which it goes on where they are lost, nothing held while a request is under way, and never more than
 * two connections at a time; PgBouncer may pool by transaction.
 *
 * The host's transaction is passed as `tx`: by the client that has begun it, or by the transaction object of any of those
 * libraries. A send in it is one statement on that connection, and nothing else.
 *
 * Its errors: `storage_unavailable`, `storage_busy`, `storage_full`, `storage_closed`, `storage_denied`,
 * `transaction_aborted`, `schema_missing`, `schema_outdated`, `schema_too_new`.
 *
 * @example
 * const hooks = createSender({ contract, storage: postgresStorage(pool) })
 * await db.transaction(async (tx) => {
 *   await tx.insert(bookings).values(booking)
 *   await hooks.send('booking.created', booking, { tenant: 'acme', tx })
 * })
 *
 * @throws ConfigurationError `option_invalid`: a wrong option, or name of a schema; `tx_unsupported`: no handle of PostgreSQL
 */
export function postgresStorage(
  database: PostgresHandle,
  options: PostgresStorageOptions = {},
): Storage<PostgresHandle> {
  checkOptions(options, RULE)
  const { clock = systemClock, random = systemRandom, logger = consoleLogger } = options
  const { schema = 'hooks', migrate = false, timeoutMs = 30_000, preparedStatements = true } = options
  checkSchema(schema)
  const seams = { clock, random, logger }
  const db = openDatabase({
    handle: database,
    component: STORAGE,
    schema,
    migrate,
    timeoutMs,
    preparedStatements,
    ...seams,
  })
  const upkeep = createUpkeep(db, clock, logger)
  const lanes = createWatermark(clock, LANES_REACH)
  const marks = createWatermark(clock, OUTBOX_REACH)
  const token = () => Buffer.from(random.bytes(TOKEN_BYTES)).toString('hex')

  return {
    facts: { clock: 'database', processes: 'many', tx: 'async' },

    put: (messages, tx) => put(db, VERSION, messages, tx),
    unexpanded: (limit) => unexpanded(db, marks, limit),
    expand: (expansions) => expand(db, expansions),

    claim: (wanted) => claim(db, lanes, { token: token(), ...wanted }),
    settle: (settlements) => settle(db, settlements),
    release: (leases) => release(db, leases),
    nextDueInMs: () => nextDueInMs(db, lanes, marks),
    hold: (changes) => hold(db, changes),
    retire: (selector, to, limit) => retire(db, selector, to, limit),
    revive: (selector, limit, cursor, dryRun) => revive(db, selector, limit, cursor, dryRun),
    lanes: (ids) => findLanes(db, ids),
    add: (deliveries) => add(db, deliveries),
    depth: () => depth(db),

    endpoints: {
      get: (tenant, id, tx) => getEndpoint(db, tenant, id, tx),
      list: (tenant, page, filter) => listEndpoints(db, tenant, page, filter),
      forTenants: (tenants) => endpointsOf(db, tenants),
      create: (endpoint, limit, tx) => createEndpoint(db, VERSION, endpoint, limit, tx),
      update: (endpoint, rev, tx) => updateEndpoint(db, VERSION, endpoint, rev, tx),
      remove: (tenant, id, tx) => removeEndpoint(db, VERSION, tenant, id, tx),
    },

    history: {
      message: (tenant, id) => findMessage(db, tenant, id),
      messages: (selector, page) => listMessages(db, selector, page),
      delivery: (tenant, id) => findDelivery(db, tenant, id),
      deliveries: (selector, page) => listDeliveries(db, selector, page),
      attempts: (tenant, deliveryId) => listAttempts(db, tenant, deliveryId),
      stats: (selector) => stats(db, selector),
      undelivered: (selector, page) => listUndelivered(db, selector, page),
      expunge: (what, limit) => expunge(db, what, limit),
      prune: (what, limit) => prune(db, upkeep, what, limit),
    },

    jobs: {
      create: (job) => createJob(db, job),
      get: (tenant, id) => findJob(db, tenant, id),
      list: (tenant, page) => listJobs(db, tenant, page),
      cancel: (tenant, id) => cancelJob(db, tenant, id),
      claim: (wanted) => claimJobs(db, { ...wanted, token: token() }),
      settle: (settlements) => settleJobs(db, settlements),
      release: (leases) => releaseJobs(db, leases),
      nextDueInMs: () => nextJobInMs(db),
    },

    schema: {
      check: async () => {
        const { version, installation } = await db.meta()
        const state = { version, expected: VERSION, installation }
        if (version !== VERSION) return state
        return { ...state, weeksAhead: (await upkeep.read()).ahead, fewestWeeks: FEWEST_WEEKS }
      },
      migrations: (from = 0) => migrationsOf(STORAGE, from).map((step) => ({ ...step, sql: step.sql.map(db.named) })),
      migrate: () => db.migrate(),
    },

    close: async () => db.close(),
  }
}
