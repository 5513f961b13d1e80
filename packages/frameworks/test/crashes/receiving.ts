/** The receiver of a host that is killed: on every store, with a handler that has one effect, which is a row. */
import { postgresInbox } from '@hooks/postgres'
import {
  background,
  createReceiver,
  type Handler,
  type IdempotencyStore,
  type Inbox,
  memoryIdempotency,
  type RequestHandler,
} from '@hooks/receiver'
import { redisIdempotency } from '@hooks/redis'
import { sqliteInbox } from '@hooks/sqlite'
import { Redis } from 'ioredis'
import Libsql from 'libsql'
import pg from 'pg'
import { type HostPlan, SECRET } from './plan.ts'

let armed: string | undefined

/** From now on the process kills itself with SIGKILL when a message passes that point. */
export function arm(point: string): void {
  armed = point
}

function pass(point: string): void {
  if (armed === point) process.kill(process.pid, 'SIGKILL')
}

/** The points around a call, which stays as synchronous as it was. */
function between<T>(before: string, after: string, call: () => T | Promise<T>): T | Promise<T> {
  pass(before)
  const leave = (value: T): T => {
    pass(after)
    return value
  }
  const result = call()
  return result instanceof Promise ? result.then(leave) : leave(result)
}

function watched<S extends IdempotencyStore>(store: S): S {
  return {
    ...store,
    begin: (key, options) => between('before claim', 'after claim', () => store.begin(key, options)),
    complete: (lease, options) => between('', 'after completion', () => store.complete(lease, options)),
    ...(store.facts.inbox && watchedWork(store as unknown as Inbox)),
  } as S
}

function watchedWork(inbox: Inbox): Pick<Inbox, 'accept' | 'claim' | 'settle'> {
  return {
    accept: (entry, options) => between('before accept', 'after accept', () => inbox.accept(entry, options)),
    claim: async (options) => {
      const leases = await inbox.claim(options)
      if (leases.length > 0) pass('after taking')
      return leases
    },
    settle: async (settlements) => between('', 'after settling', () => inbox.settle(settlements)),
  }
}

interface Place {
  readonly store: IdempotencyStore
  /** The one effect, in the transaction that there is. */
  effect(id: string, tx: unknown): void | Promise<void>
  // biome-ignore lint/suspicious/noExplicitAny: of one kind or the other.
  readonly transaction?: (run: (tx: any) => any) => unknown
}

function onPostgres(url: string): Place {
  const pool = new pg.Pool({ connectionString: url, max: 5 })
  return {
    store: watched(postgresInbox(pool)),
    effect: async (id, tx) => {
      await ((tx as pg.PoolClient | undefined) ?? pool).query('insert into effect (id) values ($1)', [id])
    },
    transaction: async (run: (tx: pg.PoolClient) => Promise<void>) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await run(client)
        await client.query('commit')
        pass('after commit')
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    },
  }
}

function onSqlite(path: string): Place {
  const db = new Libsql(path)
  db.exec('PRAGMA busy_timeout = 5000')
  db.exec('PRAGMA synchronous = FULL')
  const insert = db.prepare('insert into effect (id) values (?)')
  return {
    store: watched(sqliteInbox(db)),
    effect: (id) => void insert.run(id),
    transaction: (run: (tx: typeof db) => void) => {
      db.exec('BEGIN IMMEDIATE')
      try {
        run(db)
        db.exec('COMMIT')
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
      pass('after commit')
    },
  }
}

function open(database: HostPlan['database']): Place {
  if (database.kind === 'postgres') return onPostgres(database.url)
  const sqlite = onSqlite(database.path)
  if (database.kind === 'sqlite') return sqlite
  const store =
    database.kind === 'memory'
      ? memoryIdempotency()
      : redisIdempotency({ client: new Redis(database.url), prefix: database.prefix })
  return { effect: sqlite.effect, store: watched(store) }
}

/** An effect whose first run fails before it, and whose second after it. */
function failing(run: number, effect: () => void | Promise<void>): void | Promise<void> {
  if (run === 1) throw new Error('before the effect')
  const leave = () => {
    if (run === 2) throw new Error('after the effect')
  }
  const done = effect()
  return done instanceof Promise ? done.then(leave) : leave()
}

export function receive({ mode, database, leaseMs, isHasty, fails }: HostPlan): RequestHandler {
  const { store, effect, transaction } = open(database)
  const work = (id: string, tx: unknown): void | Promise<void> => between('', 'after effect', () => effect(id, tx))
  let runs = 0
  // A synchronous transaction has a synchronous handler.
  const handler: Handler = ({ data }, { tx }) => {
    const { id } = data as { id: string }
    if (fails) return failing(++runs, () => work(id, tx))
    if (!isHasty) return work(id, tx)
    setTimeout(() => void work(id, undefined), 300)
  }
  const secret = SECRET
  if (mode === 'background') {
    const inbox = background(store as Inbox, { leaseMs, pollMs: 50, retry: ['100ms', '100ms', '100ms', '100ms'] })
    const receiver = createReceiver({ secret, inbox }).on('tick', handler)
    receiver.start()
    return receiver
  }
  const options = { secret, idempotency: store, leaseMs, ...(mode === 'transaction' && transaction && { transaction }) }
  return createReceiver(options).on('tick', handler)
}
