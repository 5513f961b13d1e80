import { newId, silentLogger, systemClock, systemRandom } from '@hooks/core'
import { virtualClock } from '@hooks/sender/testing'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresInbox, postgresStorage } from '../src/index.ts'
import { weekAt, weekOf } from '../src/week.ts'
import { server } from './servers.ts'
import { byHand, delivered, hotPath, id, newEndpoint, newMessage, send } from './tour.ts'

const options = { logger: silentLogger }
const PARENTS = ['message', 'payload', 'ended', 'attempt']
const days = (n: number) => new Date(Date.now() - n * 86_400_000)

async function place() {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const pool = new pg.Pool({ connectionString: url })
  const rows = async <T>(text: string) => (await pool.query(text)).rows as T[]
  const tables = async (parent: string) =>
    (
      await rows<{ name: string }>(
        `select relname as name from pg_class where relname like '${parent}\\_w%' and relkind = 'r'`,
      )
    )
      .map(({ name }) => Number(name.slice(parent.length + 2)))
      .sort((a, b) => a - b)
  const close = async () => {
    await pool.end()
    await drop()
  }
  return { pool, rows, tables, close, thisWeek: weekAt(Date.now()) }
}

describe.skipIf(!server)('schema', () => {
  it('is not made where it must not be, and said to be missing, with what to run', { timeout: 60_000 }, async () => {
    const { pool, rows, close } = await place()
    const storage = postgresStorage(pool, options)
    const missing = { code: 'schema_missing', hint: expect.stringContaining('storage.schema.migrate()') }
    await expect(storage.depth()).rejects.toMatchObject(missing)
    await expect(storage.put([newMessage()])).rejects.toMatchObject(missing)
    const client = await pool.connect()
    await expect(storage.put([newMessage()], client)).rejects.toMatchObject(missing)
    client.release()
    expect(await storage.schema.check()).toEqual({ version: 0, expected: 1, installation: '' })
    expect(await rows(`select 1 from pg_namespace where nspname = 'hooks'`)).toEqual([])
    await storage.schema.migrate()
    expect(await storage.schema.check()).toMatchObject({ version: 1, weeksAhead: 26, fewestWeeks: 4 })
    expect(await storage.depth()).toMatchObject({ open: 0 })
    await close()
  })

  it('is made once by many at once, in a schema of its own name, and its statements run by the host make the same', {
    timeout: 120_000,
  }, async () => {
    const { pool, rows, close } = await place()
    await Promise.all([1, 2, 3, 4].map(() => postgresStorage(pool, { ...options, migrate: true }).depth()))
    const own = postgresStorage(pool, { ...options, schema: 'app_hooks' })
    for (const { sql } of own.schema.migrations()) for (const statement of sql) await pool.query(statement)
    const { version, expected } = await own.schema.check()
    expect(version).toBe(expected)
    const columns = (schema: string) =>
      rows(
        `select table_name, column_name, data_type from information_schema.columns where table_schema = '${schema}' order by 1, 2`,
      )
    expect(await columns('app_hooks')).toEqual(await columns('hooks'))
    await hotPath(own)
    await byHand(own)
    expect(await rows('select 1 from hooks.message')).toEqual([])
    expect(() => postgresStorage(pool, { schema: 'public' })).toThrow(
      expect.objectContaining({ code: 'option_invalid' }),
    )
    await close()
  })

  it('is made once by many at once, too, where all transactions are serializable', { timeout: 120_000 }, async () => {
    const { pool, close } = await place()
    const options = '-c default_transaction_isolation=serializable'
    const strict = new pg.Pool({ connectionString: pool.options.connectionString, options, max: 20 })
    const storages = Array.from({ length: 4 }, () => postgresStorage(strict, { logger: silentLogger }))
    await Promise.all(storages.map(({ schema }) => schema.migrate()))
    await hotPath(postgresStorage(strict, { logger: silentLogger }))
    await strict.end()
    await close()
  })

  it('of another release is used if that allows it, and refused with what to do if not', {
    timeout: 60_000,
  }, async () => {
    const { pool, close } = await place()
    await postgresStorage(pool, options).schema.migrate()
    await pool.query('update hooks.meta set version = 2')
    expect(await postgresStorage(pool, options).depth()).toMatchObject({ open: 0 })
    await pool.query('update hooks.meta set version = 3, least_client = 3')
    const storage = postgresStorage(pool, options)
    await expect(storage.depth()).rejects.toMatchObject({
      code: 'schema_too_new',
      hint: expect.stringContaining('update'),
    })
    const client = await pool.connect()
    await expect(storage.put([newMessage()], client)).rejects.toMatchObject({ code: 'schema_too_new' })
    expect((await client.query('select 1 from hooks.message')).rows).toEqual([])
    client.release()
    await close()
  })
})

describe.skipIf(!server)('a database that publishes all its tables to another', () => {
  it('lets everything be forgotten, and partitions be made', { timeout: 60_000 }, async () => {
    const { pool, rows, tables, thisWeek, close } = await place()
    const storage = postgresStorage(pool, options)
    await storage.schema.migrate()
    await postgresInbox(pool, options).schema.migrate()
    await pool.query('create publication everything for all tables')
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    async function fail(): Promise<void> {
      const [key] = (await send(storage, [endpoint.id])) as [string]
      for (const result of ['retry', 'failed'] as const) {
        const [lease] = await storage.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })
        const ended = { key, token: lease?.token ?? '', attempt: { ms: 1, status: 500, trigger: 'schedule' } } as const
        const what = result === 'retry' ? { result, retryInMs: 0 } : { result, reason: 'exhausted' }
        expect(await storage.settle([{ ...ended, ...what }])).toEqual(['applied'])
      }
    }
    await fail()
    expect(await storage.history.expunge({ tenant: 'acme' }, 100)).toMatchObject({ more: false })
    await storage.endpoints.create(endpoint, 10)
    await fail()
    const soon = new Date(Date.now() + 60_000)
    expect(await storage.history.prune({ payloadsBefore: soon, historyBefore: soon }, 100)).toMatchObject({
      removed: 2,
    })
    expect(await rows('select 1 from hooks.attempt')).toEqual([])
    await pool.query(`drop table hooks.attempt_w${thisWeek + 26}`)
    await storage.schema.migrate()
    expect(await tables('attempt')).toContain(thisWeek + 26)
    await hotPath(storage)
    await byHand(storage)
    await close()
  })
})

describe.skipIf(!server)('partitions', () => {
  it('are there for 26 weeks, and rows are in that of their id', { timeout: 60_000 }, async () => {
    const { pool, rows, tables, thisWeek, close } = await place()
    const storage = postgresStorage(pool, options)
    await storage.schema.migrate()
    const weeks = Array.from({ length: 28 }, (_, i) => thisWeek - 1 + i)
    for (const parent of ['message', 'payload', 'ended', 'attempt']) expect(await tables(parent)).toEqual(weeks)
    const [ours, foreign] = [newMessage(), newMessage({ id: 'order-4711' })]
    await storage.put([ours, foreign])
    expect(await rows(`select id from hooks.message_w${weekOf(ours.id)}`)).toEqual([{ id: ours.id }])
    expect(await rows('select id from hooks.message_rest')).toEqual([{ id: foreign.id }])
    expect((await storage.unexpanded(10)).map((message) => message.id).sort()).toEqual([ours.id, foreign.id].sort())
    expect(await storage.put([foreign])).toEqual([{ id: foreign.id, outcome: 'created' }])
    expect((await storage.unexpanded(10)).length).toBe(2)
    await close()
  })

  it('that are missing fail nothing, and are made later with what was written meanwhile', {
    timeout: 60_000,
  }, async () => {
    const { pool, rows, thisWeek, close } = await place()
    const storage = postgresStorage(pool, options)
    await storage.schema.migrate()
    for (const parent of ['message', 'payload', 'ended', 'attempt'])
      await pool.query(`drop table hooks.${parent}_w${thisWeek}`)
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    const [sent] = (await send(storage, [endpoint.id])) as [string]
    const claim = async () => (await storage.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 }))[0]?.token ?? ''
    await storage.settle([{ key: sent, token: await claim(), ...delivered, result: 'retry', retryInMs: 0 }])
    await storage.settle([{ key: sent, token: await claim(), ...delivered }])
    expect((await rows('select 1 from hooks.attempt_rest')).length).toBe(1)
    await storage.history.prune({}, 10)
    for (const parent of ['message', 'payload', 'ended', 'attempt']) {
      expect((await rows(`select 1 from hooks.${parent}_w${thisWeek}`)).length).toBe(1)
      expect((await rows(`select 1 from hooks.${parent}_rest`)).length).toBe(0)
    }
    expect(await storage.history.delivery('acme', sent)).toMatchObject({ state: 'delivered', last: { n: 2 } })
    await close()
  })

  it('of weeks that are over and of use to nobody are dropped, and no other', { timeout: 60_000 }, async () => {
    const { pool, tables, thisWeek, close } = await place()
    const storage = postgresStorage(pool, options)
    await storage.schema.migrate()
    const old = thisWeek - 20
    for (const parent of ['message', 'payload', 'ended', 'attempt'])
      for (const week of [old, old + 1])
        await pool.query(`create table hooks.${parent}_w${week} partition of hooks.${parent} for values in (${week})`)
    const ago = `now() - interval '140 days'`
    for (const week of [old, old + 1]) {
      await pool.query(
        `insert into hooks.message (week, id, tenant, type, occurred_at, created_at) values (${week}, 'm${week}', 'acme', 'a', ${ago}, ${ago})`,
      )
      await pool.query(
        `insert into hooks.payload (week, id, created_at, data) values (${week}, 'm${week}', ${ago}, '{}')`,
      )
      await pool.query(`insert into hooks.ended (week, id, tenant, endpoint_id, message_id, message_week, type, state, attempts, created_at, finished_at)
        values (${week}, 'd${week}', 'acme', 'e', 'm${week}', ${week}, 'a', 'failed', 1, ${ago}, ${ago})`)
    }
    // One of the second week is still to be delivered.
    await pool.query(`insert into hooks.open (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, due_at, since)
      values ('${id('dlv_')}', ${thisWeek}, 'acme', 'e', 'm${old + 1}', ${old + 1}, 'a', now(), now(), now(), now())`)
    await pool.query(`insert into hooks.lane (endpoint_id, tenant, open) values ('e', 'acme', 1)`)
    await storage.history.prune({ payloadsBefore: days(30), historyBefore: days(90) }, 100)
    for (const parent of ['message', 'payload', 'ended', 'attempt'])
      expect((await tables(parent)).filter((week) => week < thisWeek - 1)).toEqual([old + 1])
    expect(await storage.history.message('acme', 'order-4711')).toBe(null)
    await close()
  })

  /** A storage with partitions for some weeks ago too. */
  async function aged(...ago: readonly number[]) {
    const world = await place()
    const clock = virtualClock()
    const storage = postgresStorage(world.pool, { ...options, clock })
    await storage.schema.migrate()
    const weeks = ago.map((n) => world.thisWeek - n).sort((a, b) => a - b)
    for (const parent of PARENTS)
      for (const week of weeks)
        await world.pool.query(
          `create table hooks.${parent}_w${week} partition of hooks.${parent} for values in (${week})`,
        )
    /** Which of those weeks still have a partition. */
    const left = async (parent: string) => (await world.tables(parent)).filter((week) => week < world.thisWeek - 1)
    const prune = (payloads: number | null, history: number | null) =>
      storage.history.prune(
        {
          ...(payloads !== null && { payloadsBefore: days(payloads) }),
          ...(history !== null && { historyBefore: days(history) }),
        },
        100,
      )
    return { ...world, clock, storage, weeks, left, prune }
  }

  it('of payloads are dropped by the time of payloads, however much longer all else is kept', {
    timeout: 60_000,
  }, async () => {
    const { weeks, left, prune, close } = await aged(...Array.from({ length: 20 }, (_, n) => 10 + n))
    for (let n = 0; n < 3; n++) await prune(30, 3_650)
    expect(await left('payload')).toEqual([])
    for (const parent of ['message', 'ended', 'attempt']) expect(await left(parent)).toEqual(weeks)
    await close()
  })

  it('of deliveries are dropped by their own time, and those of messages not before their payloads', {
    timeout: 60_000,
  }, async () => {
    const { weeks, left, prune, close } = await aged(20)
    await prune(null, 90)
    for (const parent of ['ended', 'attempt']) expect(await left(parent)).toEqual([])
    for (const parent of ['message', 'payload']) expect(await left(parent)).toEqual(weeks)
    await prune(365, 90)
    for (const parent of ['message', 'payload']) expect(await left(parent)).toEqual(weeks)
    await prune(30, 90)
    for (const parent of ['message', 'payload']) expect(await left(parent)).toEqual([])
    await close()
  })

  it('stay while one of their messages is to be sent later, however old it is', { timeout: 60_000 }, async () => {
    const { storage, pool, weeks, thisWeek, left, prune, close } = await aged(20, 21)
    const ago = new Date(Date.now() - 20 * 7 * 86_400_000)
    const later = newMessage({ id: newId('msg_', { ...systemClock, now: () => ago }, systemRandom), dueInMs: 60_000 })
    await storage.put([later])
    await pool.query('update hooks.payload set created_at = $1', [ago])
    await prune(30, 90)
    expect(weeks).toEqual([thisWeek - 21, weekOf(later.id)])
    for (const parent of ['message', 'payload']) expect(await left(parent)).toEqual([weekOf(later.id)])
    await pool.query('update hooks.outbox set due_at = now()')
    expect(await storage.unexpanded(10)).toMatchObject([{ id: later.id, data: later.data }])
    await close()
  })

  it('that somebody reads for long are left for an hour, and keep no other locked', { timeout: 60_000 }, async () => {
    const { pool, clock, weeks, left, prune, close } = await aged(20, 21)
    const [first, second] = weeks as [number, number]
    const backup = await pool.connect()
    await backup.query('begin')
    await backup.query('select 1 from hooks.ended')
    const dropped = async () => [
      await left('payload'),
      await left('attempt'),
      await left('ended'),
      await left('message'),
    ]
    await prune(30, 90)
    expect(await dropped()).toEqual([[second], [second], weeks, weeks])
    await backup.query('commit')
    backup.release()
    await clock.advance(3_599_000)
    await prune(30, 90)
    expect(await dropped()).toEqual([[second], [second], weeks, weeks])
    await clock.advance(1_000)
    await prune(30, 90)
    expect(await dropped()).toEqual([[], [], [], []])
    expect(first).toBeLessThan(second)
    await close()
  })

  it('are warned of in time where the role may not make them', { timeout: 60_000 }, async () => {
    const { pool, thisWeek, close } = await place()
    await postgresStorage(pool, options).schema.migrate()
    for (let week = thisWeek + 3; week <= thisWeek + 26; week++) await pool.query(`drop table hooks.attempt_w${week}`)
    const role = `hooks_reader_${process.pid}`
    await pool.query(`create role ${role}`)
    await pool.query(`grant usage on schema hooks to ${role}`)
    await pool.query(`grant select, insert, update, delete on all tables in schema hooks to ${role}`)
    const limited = new pg.Pool({ connectionString: pool.options.connectionString, options: `-c role=${role}` })
    const warnings: unknown[] = []
    const logger = { ...silentLogger, warn: (fields: object, message?: string) => warnings.push([fields, message]) }
    const storage = postgresStorage(limited, { logger })
    await storage.history.prune({}, 10)
    await storage.history.prune({}, 10)
    expect(warnings).toEqual([[{ weeksAhead: 2 }, expect.stringContaining('storage.schema.migrate()')]])
    await limited.end()
    await pool.query(`drop owned by ${role}`)
    await pool.query(`drop role ${role}`)
    await close()
  })
})
