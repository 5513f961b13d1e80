import {
  type Clock,
  checkOptions,
  consoleLogger,
  type Inbox,
  kind,
  type Logger,
  type Ms,
  type OptionsRule,
  type Random,
  type Schema,
  systemClock,
  systemRandom,
} from '@hooks/core'
import { openDatabase } from './database.ts'
import type { PostgresHandle } from './handle.ts'
import { abandon, accept, begin, complete, completedWithin, extend, INBOX, prune } from './inbox-keys.ts'
import { claim, listDead, nextDueInMs, release, retryDead, settle } from './inbox-work.ts'
import { migrationsOf, versionOf } from './ledger.ts'
import { checkSchema } from './schema-name.ts'

/** How a {@link postgresInbox} is set up. Each is optional. */
export interface PostgresInboxOptions {
  /** The schema of its tables: a schema of its own, in lower case. Default: `hooks`, which it shares with a storage. */
  readonly schema?: string
  /**
   * Whether it makes its tables, and brings them up to date, before its first use. Default: false. Otherwise run
   * `inbox.schema.migrate()` when you deploy, or the statements of `inbox.schema.migrations()` with your own migrations.
   */
  readonly migrate?: boolean
  /** How long a statement may take before its connection is left behind, in ms. Default: 30000. */
  readonly timeoutMs?: Ms
  /** Sleeps between tries. What is due is decided by the database's clock. Default: the machine's. */
  readonly clock?: Clock
  /** Where lease tokens come from. Default: the platform's random source. */
  readonly random?: Random
  /** Default: warnings to the console. */
  readonly logger?: Logger
}

/** An {@link Inbox} in PostgreSQL, and the tables that it needs. */
export interface PostgresInbox extends Inbox<PostgresHandle> {
  readonly schema: Schema
}

const RULE: OptionsRule<keyof PostgresInboxOptions> = {
  of: 'postgresInbox',
  kinds: {
    schema: kind.text,
    migrate: kind.flag,
    timeoutMs: kind.ms,
    clock: kind.clock,
    random: kind.random,
    logger: kind.logger,
  },
}
const TOKEN_BYTES = 12

/**
 * A receiver's idempotency store and inbox in the host's PostgreSQL, 14 to 18: one table, for any number of processes.
 *
 * `database` is what the host has, as for `postgresStorage`: a pool, not a client on which the host begins transactions.
 * Each call is one statement, complete in itself. `begin`, `complete` and `accept` take the host's transaction as `tx`, by
 * the client that has begun it or by the transaction object of any of those libraries: claim, effect and completion
 * commit together, or none of them.
 *
 * Nothing waits for a key that another transaction has: `begin` and `accept` say `in_progress` at once, so that duplicates
 * give back their connections, and the one that does the work can finish (measured: with the usual `insert ... on
 * conflict`, 20 duplicates on a pool of 10 hold all of its connections, and the winner fails for want of one).
 *
 * Call `prune` now and then: what is done or dead is forgotten after its time, and what was begun and never completed
 * after a day.
 *
 * Errors: `storage_unavailable`, `storage_busy`, `storage_full`, `storage_closed`, `storage_denied`,
 * `transaction_aborted`, `schema_missing`, `schema_outdated`, `schema_too_new`; `tx_unsupported` for a transaction on
 * another database.
 *
 * @example
 * const receiver = createReceiver({ contract, secret, idempotency: postgresInbox(pool) })
 *
 * @throws ConfigurationError `option_invalid`: a wrong option, or name of a schema; `tx_unsupported`: no handle of PostgreSQL
 */
export function postgresInbox(database: PostgresHandle, options: PostgresInboxOptions = {}): PostgresInbox {
  checkOptions(options, RULE)
  const { clock = systemClock, random = systemRandom, logger = consoleLogger } = options
  const { schema = 'hooks', migrate = false, timeoutMs = 30_000 } = options
  checkSchema(schema)
  const db = openDatabase({ handle: database, component: INBOX, schema, migrate, timeoutMs, clock, random, logger })
  const session = { db, clock, random }
  const token = () => Buffer.from(random.bytes(TOKEN_BYTES)).toString('hex')

  return {
    facts: { clock: 'database', processes: 'many', tx: 'async', inbox: true },

    begin: (key, { leaseMs, tx }) => begin(session, key, token(), leaseMs, tx),
    complete: (lease, { keepMs, tx }) => complete(session, lease, keepMs, tx),
    abandon: (lease) => abandon(session, lease),
    extend: (lease, leaseMs) => extend(session, lease, leaseMs),
    completedWithin: (key, withinMs) => completedWithin(session, key, withinMs),
    prune: (limit) => prune(session, limit),

    accept: ({ key, request }, { keepMs, tx }) => accept(session, key, request, keepMs, tx),
    claim: (wanted) => claim(db, wanted, token()),
    settle: (settlements) => settle(db, settlements),
    release: (leases) => release(db, leases),
    nextDueInMs: (of) => nextDueInMs(db, of),
    dead: (page) => listDead(db, page),
    retry: (keys) => retryDead(db, keys),

    schema: {
      check: async () => {
        const { version, installation } = await db.meta()
        return { version, expected: versionOf(INBOX), installation }
      },
      migrations: (from = 0) => migrationsOf(INBOX, from).map((step) => ({ ...step, sql: step.sql.map(db.named) })),
      migrate: () => db.migrate(),
    },

    close: async () => db.close(),
  }
}
