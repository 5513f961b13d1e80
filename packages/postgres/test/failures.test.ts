import { HooksError } from '@hooks/core'
import { drizzle } from 'drizzle-orm/node-postgres'
import knexFactory from 'knex'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { describe, expect, it } from 'vitest'
import { sqlState, storageError } from '../src/failures.ts'
import { type PostgresHandle, toQuery } from '../src/index.ts'
import { drivers, server } from './servers.ts'

/** What `text` is refused with. */
async function refused(handle: PostgresHandle, text: string, parameters: (string | null)[] = []): Promise<HooksError> {
  try {
    await toQuery(handle)(text, parameters)
  } catch (error) {
    return storageError(error)
  }
  throw new Error('it was not refused')
}

/** A secret that no error may print. */
const SECRET = 'whsec_c2VjcmV0'

const printed = (error: HooksError) =>
  [
    error.message,
    error.hint,
    String(error.cause),
    JSON.stringify(error.cause, Object.getOwnPropertyNames(Object(error.cause))),
  ].join('\n')

describe.each(Object.entries(drivers))('what PostgreSQL refuses, by %s', (_name, open) => {
  it('has the code that says who must act', { timeout: 60_000 }, async () => {
    const { handle, close } = await open()
    const codes = async (text: string, ...parameters: string[]) => (await refused(handle, text, parameters)).code
    expect(await codes('select 1 from hooks.nothing')).toBe('schema_missing')
    expect(await codes('select nothing from (select 1 as one) t')).toBe('schema_missing')
    expect(await codes('select $1::text as word', 'a\0b')).toBe('option_invalid')
    expect(await codes('select 1 / 0')).toBe('storage_unavailable')
    for (const [state, code] of [
      ['40001', 'storage_busy'],
      ['40P01', 'storage_busy'],
      ['57014', 'storage_busy'],
      ['25P02', 'transaction_aborted'],
      ['42501', 'storage_denied'],
      ['53100', 'storage_full'],
      ['57P01', 'storage_unavailable'],
      ['23514', 'schema_outdated'],
      ['25006', 'storage_unavailable'],
    ])
      expect([state, await codes(`do $$ begin raise exception 'no' using errcode = '${state}'; end $$`)]).toEqual([
        state,
        code,
      ])
    await close()
    expect(await codes('select 1')).toBe('storage_closed')
  })
})

describe.skipIf(!server)('an error of a library over PostgreSQL', () => {
  it('is told by its SQLSTATE, and prints no parameter', { timeout: 60_000 }, async () => {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const pool = new pg.Pool({ connectionString: url })
    const sql = postgres(url)
    const knex = knexFactory({ client: 'pg', connection: url })
    const source = await new DataSource({ type: 'postgres', url }).initialize()
    await pool.query('create table taken (word text primary key)')
    await pool.query('insert into taken values ($1)', [SECRET])
    for (const handle of [pool, sql, drizzle(pool), knex, source]) {
      const query = toQuery(handle)
      const insert = query('insert into taken values ($1::text) returning 1 as one', [SECRET])
      const error = await insert.catch((cause: unknown) => cause)
      expect(sqlState(error)).toBe('23505')
      const failure = storageError(error)
      expect(failure).toBeInstanceOf(HooksError)
      expect(printed(failure)).not.toContain(SECRET)
      expect(printed(await refused(handle, 'select $1::text::int', [SECRET]))).not.toContain(SECRET)
    }
    await source.destroy()
    await knex.destroy()
    await sql.end()
    await pool.end()
    await drop()
  })

  it('is that of a role which is not let in, and speaks of its password, not of what it may do', () => {
    for (const code of ['28P01', '28000']) {
      const failure = storageError(Object.assign(new Error('authentication failed for user "app"'), { code }))
      expect(failure).toMatchObject({ code: 'storage_denied', hint: expect.stringContaining('password') })
    }
  })

  it('is that of a database which the server does not have', () => {
    const failure = storageError(Object.assign(new Error('database "app" does not exist'), { code: '3D000' }))
    expect(failure).toMatchObject({ code: 'storage_unavailable', hint: expect.stringContaining('create it') })
  })

  it('is that of a server which is not there', { timeout: 60_000 }, async () => {
    const url = 'postgres://postgres@127.0.0.1:1/none'
    const pool = new pg.Pool({ connectionString: url })
    const sql = postgres(url, { connect_timeout: 1 })
    for (const handle of [pool, sql, drizzle(pool)])
      expect((await refused(handle, 'select 1')).code).toBe('storage_unavailable')
    await sql.end()
    await pool.end()
  })
})
