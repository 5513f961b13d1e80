import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import knexFactory from 'knex'
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { describe, expect, it } from 'vitest'
import { type PostgresHandle, toQuery } from '../src/index.ts'
import { arrayOf } from '../src/text.ts'
import { drivers, server } from './servers.ts'

const FRAGILE = `'; -- $1 ? ?? :a @b %s \\ "q" {x,y} \u2028 \ud83d\ude80`

/** What every handle must do alike. */
async function check(handle: PostgresHandle): Promise<void> {
  const query = toQuery(handle)
  const [row] = await query<Record<string, unknown>>(
    `select $1::text as word, $2::text::bigint as n, $1::text as again, $3::text as nothing,
      array_to_string($4::text::text[], '|') as list, (now() is not null)::int as yes`,
    [FRAGILE, '9007199254740991', null, arrayOf(['a"b', 'c\\d', '{e,f}', '', null, FRAGILE])],
  )
  expect(row?.word).toBe(FRAGILE)
  expect(row?.again).toBe(FRAGILE)
  expect(Number(row?.n)).toBe(9_007_199_254_740_991)
  expect(row?.nothing).toBe(null)
  expect(row?.list).toBe(`a"b|c\\d|{e,f}||${FRAGILE}`)
  expect(Number(row?.yes)).toBe(1)
  expect(await query('select 1 as one where false')).toEqual([])
}

describe.each(Object.entries(drivers))('a statement by %s', (_name, open) => {
  it('keeps texts, numbers and nulls, and gives its rows', { timeout: 60_000 }, async () => {
    const { handle, close } = await open()
    await check(handle)
    await close()
  })
})

describe.skipIf(!server)('a statement by a library over PostgreSQL', () => {
  async function place() {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    return { url, drop }
  }

  it('keeps texts, numbers and nulls: clients and transactions of pg and postgres.js', {
    timeout: 60_000,
  }, async () => {
    const { url, drop } = await place()
    const pool = new pg.Pool({ connectionString: url })
    const client = await pool.connect()
    await check(client)
    await client.query('begin')
    await check(client)
    await client.query('rollback')
    client.release()
    const sql = postgres(url, { transform: postgres.camel })
    await sql.begin((tx) => check(tx))
    await sql.end()
    await check((text: string, parameters: unknown[]) => pool.query(text, parameters).then(({ rows }) => rows))
    await pool.end()
    await drop()
  })

  it('keeps texts, numbers and nulls: Drizzle on both drivers', { timeout: 60_000 }, async () => {
    const { url, drop } = await place()
    const pool = new pg.Pool({ connectionString: url })
    const onPg = drizzlePg(pool)
    await check(onPg)
    await onPg.transaction((tx) => check(tx))
    await pool.end()
    const sql = postgres(url)
    const onPostgresJs = drizzlePostgresJs(sql)
    await check(onPostgresJs)
    await onPostgresJs.transaction((tx) => check(tx))
    await sql.end()
    await drop()
  })

  it('keeps texts, numbers and nulls: Kysely and Knex, with their renaming', { timeout: 60_000 }, async () => {
    const { url, drop } = await place()
    const kysely = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
      plugins: [new CamelCasePlugin()],
    })
    await check(kysely)
    await kysely.transaction().execute((tx) => check(tx))
    await kysely.destroy()
    const knex = knexFactory({ client: 'pg', connection: url })
    await check(knex)
    await knex.transaction((tx) => check(tx))
    await knex.destroy()
    await drop()
  })

  it('keeps texts, numbers and nulls: TypeORM', { timeout: 60_000 }, async () => {
    const { url, drop } = await place()
    const source = await new DataSource({ type: 'postgres', url }).initialize()
    await check(source)
    await check(source.createQueryRunner())
    await source.transaction((manager) => check(manager))
    await source.destroy()
    await drop()
  })
})

describe('what is no handle', () => {
  it('is refused with what to pass', async () => {
    for (const handle of [undefined, null, 1, 'postgres://', {}, { execute: () => {} }])
      expect(() => toQuery(handle as never)).toThrow(expect.objectContaining({ code: 'tx_unsupported' }))
    await expect(toQuery((() => Promise.resolve(undefined)) as never)('select 1')).rejects.toMatchObject({
      code: 'tx_unsupported',
    })
  })
})
