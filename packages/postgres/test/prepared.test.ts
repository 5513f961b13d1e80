import type { Storage } from '@hooks/core'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresHandle, postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'

const NAMES = `select name from pg_prepared_statements where name like 'hooks\\_%' order by name`

describe.skipIf(!server)('prepared statements', { timeout: 60_000 }, () => {
  let url: string
  let drop: () => Promise<void>
  const closing: (() => Promise<void>)[] = []

  beforeAll(async () => {
    const database = await (server as NonNullable<typeof server>).database()
    url = database.url
    drop = database.drop
    const pool = new pg.Pool({ connectionString: url })
    await postgresStorage(pool).schema.migrate()
    await pool.end()
  }, 120_000)
  afterAll(() => drop?.(), 60_000)
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** A pool of one connection, so that what it has prepared can be looked at. */
  function openPool(): pg.Pool {
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    closing.push(() => pool.end())
    return pool
  }

  /** One connection, which stays where a statement fails: a pool would close it. */
  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    closing.push(() => client.end())
    return client
  }

  const look = (storage: Storage<PostgresHandle>) => storage.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })
  const settle = (storage: Storage<PostgresHandle>) =>
    storage.settle([{ key: 'dlv_0', token: 't', result: 'skipped', reason: 'endpoint_disabled' }])
  const namesOn = async (connection: pg.Pool | pg.Client) =>
    (await connection.query<{ name: string }>(NAMES)).rows.map(({ name }) => name)

  it('are made by node-postgres once a connection, for what claims and settles', async () => {
    const pool = openPool()
    const storage = postgresStorage(pool)
    await look(storage)
    const names = await namesOn(pool)
    expect(names).toHaveLength(1)
    await look(storage)
    await settle(storage)
    await settle(storage)
    expect(await namesOn(pool)).toHaveLength(2)
    expect(await namesOn(pool)).toContain(names[0])
  })

  it('are made by postgres.js, unless its option says otherwise', async () => {
    for (const prepare of [true, false]) {
      const sql = postgres(url, { max: 1, prepare, onnotice: () => {} })
      closing.push(() => sql.end())
      const storage = postgresStorage(sql)
      await look(storage)
      const found = await sql.unsafe(`select 1 from pg_prepared_statements where statement like '%hooks.claim%'`)
      expect(found.length).toBe(prepare ? 1 : 0)
    }
  })

  it('are not made where the option is false, nor in the transaction of the host', async () => {
    const pool = openPool()
    await look(postgresStorage(pool, { preparedStatements: false }))
    expect(await namesOn(pool)).toEqual([])

    const host = openPool()
    const storage = postgresStorage(openPool())
    const client = await host.connect()
    await client.query('begin')
    const message = { id: 'msg_1', type: 'a', occurredAt: new Date(), tenant: 't', data: '{}' }
    await storage.put([message], client)
    await client.query('rollback')
    client.release()
    expect(await namesOn(host)).toEqual([])
  })

  it('that are gone, because a pooler gave another connection, are done without from then on', async () => {
    const connection = await connect()
    const storage = postgresStorage(connection)
    await look(storage)
    await connection.query('deallocate all')
    expect(await look(storage)).toEqual([])
    expect(await storage.nextDueInMs()).toBe(null)
    expect(await look(storage)).toEqual([])
    expect(await namesOn(connection)).toEqual([])
  })

  it('that are there already, because a pooler gave the connection of another client, are done without from then on', async () => {
    const first = await connect()
    await look(postgresStorage(first))
    const [name] = await namesOn(first)

    const second = await connect()
    await second.query(`prepare "${name}" as select 1`)
    const storage = postgresStorage(second)
    expect(await look(storage)).toEqual([])
    expect(await look(storage)).toEqual([])
    expect(await storage.nextDueInMs()).toBe(null)
    expect(await namesOn(second)).toEqual([name])
  })
})
