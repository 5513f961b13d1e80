import {
  backoff,
  type Clock,
  ConfigurationError,
  createTimeouts,
  type Logger,
  type Ms,
  type Random,
  StorageError,
} from '@hooks/core'
import { closed, isContention, schemaMissing, storageError } from './failures.ts'
import type { PostgresHandle, Query } from './handle.ts'
import { type Component, checkMeta, type Meta, migrateStatement, readMeta, versionOf } from './ledger.ts'
import { isPool } from './pool.ts'
import { createPrepared } from './prepared.ts'
import { toQuery } from './to-query.ts'

/** What {@link openDatabase} needs. */
export interface DatabaseOptions {
  readonly handle: PostgresHandle
  readonly component: Component
  readonly schema: string
  readonly migrate: boolean
  /** Whether statements that run all the time are prepared. Default: true. */
  readonly preparedStatements?: boolean
  readonly timeoutMs: Ms
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Statements, one at a time and each of them a transaction, or in the host's. */
export type Database = ReturnType<typeof openDatabase>

/** How many statements of a storage run at a time: each takes a connection of the host's pool, for as long as it runs. */
const CONNECTIONS = 2
/**
 * Where transactions are repeatable reads or serializable by default, whoever meets another at a lane loses, and may again:
 * some seconds of tries. Of those, one in two fails where eight workers are at three endpoints, and more on a machine that has
 * too much to do: 20 were not always enough.
 */
const MOST_TRIES = 40

/**
 * The host's pool, and the host's transactions. Every statement is complete in itself: no BEGIN and no session state but
 * prepared statements, which it does without where a pooler cannot keep them. So any pooler may stand between, and nothing
 * is left open by whoever dies in the middle.
 */
export function openDatabase(options: DatabaseOptions) {
  const { component, schema, clock, random, timeoutMs } = options
  const own = toQuery(options.handle)
  const timeouts = createTimeouts(
    clock,
    timeoutMs,
    () =>
      new StorageError('storage_busy', `PostgreSQL did not answer within ${timeoutMs} ms`, {
        hint: 'what was asked may still be done: every call is safe to repeat',
      }),
  )
  const prepared = createPrepared(options.preparedStatements ?? true)
  const waiting: (() => void)[] = []
  let running = 0
  let isOver = false
  let known: Meta | undefined
  /** Which database the pool is of, as far as it has been asked. */
  let home: string | undefined
  let preparing: Promise<Meta> | undefined

  const named = (text: string): string =>
    schema === 'hooks'
      ? text
      : text
          .replaceAll('hooks.', `"${schema}".`)
          .replaceAll("'hooks'", `'${schema}'`)
          .replaceAll('exists hooks', `exists "${schema}"`)

  /** A place among the connections, given back by the function that it resolves to. */
  async function place(): Promise<() => void> {
    if (running >= CONNECTIONS) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  /** One try. A connection that went silent would keep it for hours: after the timeout it is left behind. */
  async function once<Row>(
    text: string,
    parameters: readonly (string | null)[],
    name?: string,
  ): Promise<readonly Row[]> {
    if (isOver) throw closed()
    const leave = await place()
    try {
      return await timeouts.within((wait) => own<Row>(text, parameters, name, wait))
    } finally {
      leave()
    }
  }

  /** Runs a statement that is safe to repeat, again where another transaction was in its way. */
  async function attempt<Row>(
    statement: string,
    parameters: readonly (string | null)[] = [],
    isFrequent = false,
  ): Promise<readonly Row[]> {
    const text = named(statement)
    for (let tries = 1; ; tries++) {
      try {
        return await once<Row>(text, parameters, isFrequent ? prepared.nameOf(text) : undefined)
      } catch (error) {
        if (prepared.refused(error)) continue
        if (!isContention(error) || tries >= MOST_TRIES)
          throw isOver ? closed(error) : storageError(error, component.name)
        await clock.sleep(backoff(tries, random, { firstMs: 5, mostMs: 200 }))
      }
    }
  }

  const migrate = async (): Promise<void> => {
    if ((await readMeta(attempt, component)).version <= versionOf(component)) await attempt(migrateStatement(component))
    known = checkMeta(await readMeta(attempt, component), component)
  }

  /** Looks at the tables before the first use of them. */
  async function prepare(): Promise<Meta> {
    if (options.migrate && (await readMeta(attempt, component)).version < versionOf(component)) await migrate()
    return checkMeta(await readMeta(attempt, component), component)
  }

  async function ready(): Promise<Meta> {
    if (isOver) throw closed()
    if (known) return known
    preparing ??= prepare().finally(() => {
      preparing = undefined
    })
    known = await preparing
    return known
  }

  const hosts = new WeakMap<object, Query>()
  function hostQuery(tx: PostgresHandle): Query {
    const key = typeof tx === 'object' || typeof tx === 'function' ? tx : undefined
    const known = key && hosts.get(key)
    if (!known && isPool(tx))
      throw new ConfigurationError(
        'tx_unsupported',
        'this is no transaction: each statement takes a connection of its own',
        {
          hint: 'pass the client that has begun one, or the transaction object of your library; outside of one, leave out `tx`',
        },
      )
    const query = known ?? toQuery(tx)
    if (key) hosts.set(key, query)
    return query
  }

  return {
    /** That it is open, and its tables are right: for calls that have nothing to do. */
    ready: async (): Promise<void> => void (await ready()),

    /** Runs a statement on a connection of the pool, for as long as it takes. */
    async run<Row>(text: string, parameters: readonly (string | null)[] = []): Promise<readonly Row[]> {
      await ready()
      return attempt<Row>(text, parameters)
    },

    /** The same for a statement that runs all the time: it is prepared, where the client can and the server knows it again. */
    async runOften<Row>(text: string, parameters: readonly (string | null)[] = []): Promise<readonly Row[]> {
      await ready()
      return attempt<Row>(text, parameters, true)
    },

    /**
     * Runs a statement in the host's transaction, and nothing but this statement: no look at the tables before, nor a
     * connection of its own, which a pool of one would wait for without end.
     */
    async runIn<Row>(
      tx: PostgresHandle,
      text: string,
      parameters: readonly (string | null)[] = [],
    ): Promise<readonly Row[]> {
      if (isOver) throw closed()
      try {
        return await hostQuery(tx)<Row>(named(text), parameters)
      } catch (error) {
        throw storageError(error, component.name)
      }
    },

    /** On `tx`, or on the pool. */
    runOn<Row>(tx: PostgresHandle | undefined, text: string, parameters: readonly (string | null)[] = []) {
      return tx === undefined ? this.run<Row>(text, parameters) : this.runIn<Row>(tx, text, parameters)
    },

    /** Which database it is, as far as it has been looked at: a statement in a transaction is held against it. */
    get installation(): string | null {
      return known?.installation ?? home ?? null
    },

    /**
     * Judges what a statement in the host's transaction found of the tables there.
     *
     * @throws ConfigurationError `tx_unsupported`: it is another database than the storage's
     * @throws StorageError `schema_missing`, `schema_outdated`, `schema_too_new`
     */
    judge(found: Meta | undefined): void {
      if (!found) throw schemaMissing(component.name)
      checkMeta(found, component)
      if ((this.installation ?? found.installation) !== found.installation) {
        throw new ConfigurationError('tx_unsupported', 'the transaction is on another database than the storage', {
          hint: 'pass a transaction of the pool that postgresStorage was given',
        })
      }
    },

    /** The tables as they are, fit for this release or not. */
    async meta(): Promise<Meta> {
      if (isOver) throw closed()
      const found = await readMeta(attempt, component)
      if (found.version > 0) home = found.installation
      return found
    },
    migrate,
    named,
    close(): void {
      isOver = true
    },
  }
}
