import { inboxSuite } from '@hooks/receiver/testing'
import { storageSuite } from '@hooks/sender/testing'
import pg from 'pg'
import postgres from 'postgres'
import { findPgbouncer, type Pgbouncer } from 'tooling/pgbouncer'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { postgresInbox, postgresStorage } from '../src/index.ts'
import { openLoad, timedPool } from './load.ts'
import { movableTime, openPlace } from './place.ts'
import { server } from './servers.ts'

const found = server && (await findPgbouncer(server.url))
afterAll(() => found?.close())
const bouncer = found as Pgbouncer

describe.skipIf(!found)('behind a PgBouncer that pools by transaction', () => {
  for (const driver of ['pg', 'postgres.js']) {
    describe(driver, () => {
      const place = openPlace(driver, postgresStorage, (url) => bouncer.through(url))
      storageSuite(
        { describe, it, expect },
        {
          name: `PostgreSQL by ${driver} through PgBouncer`,
          facts: { clock: 'database', processes: 'many', tx: 'async' },
          make: async ({ random }) => {
            const time = movableTime()
            const { handle, second, begin, close } = await place()
            const storage = postgresStorage(time.on(handle), { random })
            return { storage, second: postgresStorage(time.on(second), { random }), begin, pass: time.pass, close }
          },
        },
      )
    })
  }
})

describe.skipIf(!found)('an inbox behind a PgBouncer that pools by transaction', () => {
  const place = openPlace('pg', postgresInbox, (url) => bouncer.through(url))
  inboxSuite(
    { describe, it, expect },
    {
      name: 'PostgreSQL by pg through PgBouncer',
      facts: { clock: 'database', processes: 'many', tx: 'async', inbox: true },
      make: async () => {
        const time = movableTime()
        const { handle, second, begin, close } = await place()
        return {
          store: postgresInbox(time.on(handle)),
          second: postgresInbox(time.on(second)),
          begin: async () => {
            const { tx, ...rest } = await begin()
            return { tx: time.on(tx), ...rest }
          },
          pass: time.pass,
          close,
        }
      },
    },
  )
})

describe.skipIf(!found)('a sender behind a PgBouncer that pools by transaction', { timeout: 240_000 }, () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  }, 60_000)

  const right = { missing: 0, twice: 0, undelivered: 0 }

  async function database() {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    closing.push(drop)
    return { direct: url, url: bouncer.through(url) }
  }

  it('delivers by pg, with statements that are prepared where PgBouncer keeps them and without where it does not', async () => {
    const { url } = await database()
    const { pool, pass } = timedPool({ connectionString: url, max: 10 })
    closing.push(() => pool.end())
    const load = await openLoad(pool)
    closing.push(() => load.close())
    await load.sendMany(150)
    expect(await load.outcome(pass)).toEqual(right)
    expect([...load.refused]).toEqual([])
  })

  it('delivers by postgres.js, with its option as it is by default', async () => {
    const { url } = await database()
    const sql = postgres(url, { max: 10, onnotice: () => {} })
    closing.push(() => sql.end({ timeout: 5 }))
    const load = await openLoad(sql)
    closing.push(() => load.close())
    await load.sendMany(150)
    expect(await load.outcome()).toEqual(right)
    expect([...load.refused]).toEqual([])
  })

  it('prepares nothing where `preparedStatements` is false', async () => {
    const { direct, url } = await database()
    const pool = new pg.Pool({ connectionString: url, max: 10 })
    closing.push(() => pool.end())
    const load = await openLoad(pool, { preparedStatements: false })
    closing.push(() => load.close())
    await load.sendMany(30)
    expect(await load.outcome()).toEqual(right)
    const names: unknown[] = []
    for (let n = 0; n < 20; n++) names.push(...(await pool.query('select name from pg_prepared_statements')).rows)
    expect(names).toEqual([])
    expect(direct).not.toBe(url)
  })

  it('loses and doubles nothing when the pooler is killed under load', async () => {
    const { url } = await database()
    const { pool, pass } = timedPool({ connectionString: url, max: 5 })
    closing.push(() => pool.end())
    const load = await openLoad(pool)
    closing.push(() => load.close())
    const sending = load.sendMany(150)
    for (const count of [60, 180]) {
      await load.until(count)
      await bouncer.kill()
      await bouncer.start()
    }
    await sending
    expect(await load.outcome(pass)).toEqual(right)
    for (const code of load.refused) expect(code).toBe('storage_unavailable')
  })

  it("has the host's transactions: what is sent in one is there when it commits, and not when it rolls back", async () => {
    const { url } = await database()
    const pool = new pg.Pool({ connectionString: url, max: 3 })
    closing.push(() => pool.end())
    const load = await openLoad(pool)
    closing.push(() => load.close())
    for (const [n, end] of ['commit', 'rollback', 'commit'].entries()) {
      const client = await pool.connect()
      await client.query('begin')
      await load.hooks.send('tick', { n }, { tenant: 'acme', tx: client })
      await client.query(end)
      client.release()
    }
    await load.until(4)
    await load.outcome()
    expect(load.received).toBe(4)
  })
})
