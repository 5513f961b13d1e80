import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import postgres from 'postgres'
import { findOwnPostgres, type OwnPostgres } from 'tooling/own-postgres'
import { startRelay } from 'tooling/relay'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openLoad, timedPool } from './load.ts'
import { movableTime } from './place.ts'
import { run } from './run.ts'

const TIMEOUT = { timeout: 240_000 }

const own = await findOwnPostgres({ settings: { max_connections: '30' } })
afterAll(() => own?.close(), 60_000)
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
}, 60_000)

const right = { missing: 0, twice: 0, undelivered: 0 }

let databases = 0

/** An empty database of the cluster. */
async function database({ url }: OwnPostgres): Promise<string> {
  const name = `outage_${++databases}`
  await run(url, `create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return own.href
}

async function place(server: OwnPostgres, config: pg.PoolConfig = {}) {
  const url = await database(server)
  const { pool, pass } = timedPool({ connectionString: url, max: 5, ...config })
  closing.push(() => pool.end())
  const load = await openLoad(pool)
  closing.push(() => load.close())
  return { url, load, pass }
}

describe.skipIf(!own)('a PostgreSQL that goes away under load', () => {
  const server = own as OwnPostgres

  it.each([
    ['a restart', () => server.stop()],
    ['a crash', () => server.kill()],
  ])('%s loses nothing and doubles nothing, and all goes on by itself', TIMEOUT, async (_, end) => {
    const { load, pass } = await place(server)
    const sending = load.sendMany(300)
    for (const count of [60, 360]) {
      await load.until(count)
      await end()
      await sleep(200)
      await server.start()
    }
    await sending
    expect(await load.outcome(pass)).toEqual(right)
    for (const code of load.refused) expect(code).toBe('storage_unavailable')
  })

  it('a restart under a pool of postgres.js is no different', TIMEOUT, async () => {
    const sql = postgres(await database(server), { max: 5, onnotice: () => {} })
    closing.push(() => sql.end({ timeout: 5 }))
    const time = movableTime()
    const load = await openLoad(time.on(sql))
    closing.push(() => load.close())
    const sending = load.sendMany(150)
    await load.until(60)
    await server.stop()
    await server.start()
    await sending
    expect(await load.outcome(time.pass)).toEqual(right)
    for (const code of load.refused) expect(code).toBe('storage_unavailable')
  })

  it('backends that are terminated again and again lose nothing and double nothing', TIMEOUT, async () => {
    const { url, load, pass } = await place(server)
    const sending = load.sendMany(300)
    for (let count = 20; count <= 560; count += 20) {
      await load.until(count)
      await run(
        url,
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
    }
    await sending
    expect(await load.outcome(pass)).toEqual(right)
    for (const code of load.refused) expect(code).toBe('storage_unavailable')
  })

  it('a server without a free connection is unavailable until it has one, and nothing is lost', TIMEOUT, async () => {
    const role = 'crowded'
    await run(server.url, `create role ${role} login connection limit 4`)
    const url = await database(server)
    await run(server.url, `alter database ${new URL(url).pathname.slice(1)} owner to ${role}`)
    const theirs = new URL(url)
    theirs.username = role
    const { pool, pass } = timedPool({ connectionString: theirs.href, max: 4, maxUses: 1 })
    closing.push(() => pool.end())
    const load = await openLoad(pool)
    closing.push(() => load.close())
    await load.sendMany(20)
    await load.until(40)
    const crowd: pg.Client[] = []
    const sending = load.sendPast('storage_unavailable')
    // Whatever connection becomes free is taken by somebody else.
    while (!load.refused.has('storage_unavailable')) {
      const client = new pg.Client(theirs.href)
      client.on('error', () => {})
      await client.connect().then(
        () => crowd.push(client),
        () => {},
      )
    }
    expect(crowd.length).toBeGreaterThan(0)
    await Promise.all(crowd.map((client) => client.end()))
    await sending
    expect(await load.outcome(pass)).toEqual(right)
    expect([...load.refused]).toEqual(['storage_unavailable'])
  })
})

describe.skipIf(!own)('connections to a PostgreSQL that go silent under load', () => {
  const server = own as OwnPostgres

  it('for a while, all of them: what was asked is asked again, and nothing is lost or doubled', TIMEOUT, async () => {
    const relay = await startRelay('127.0.0.1', server.port)
    closing.push(() => relay.close())
    const url = new URL(await database(server))
    url.port = String(relay.port)
    const { pool, pass } = timedPool({ connectionString: url.href, max: 5 })
    closing.push(() => pool.end())
    const load = await openLoad(pool, { timeoutMs: 1_000 })
    closing.push(() => load.close())
    const sending = load.sendMany(100)
    await load.until(50)
    relay.stall()
    while (!load.refused.has('storage_busy')) await sleep(20)
    relay.restore()
    await sending
    expect(await load.outcome(pass)).toEqual(right)
    for (const code of load.refused) expect(['storage_busy', 'storage_unavailable']).toContain(code)
  })

  it('for ever: a pool of node-postgres is rid of them, and takes new ones', TIMEOUT, async () => {
    const relay = await startRelay('127.0.0.1', server.port)
    const url = new URL(await database(server))
    url.port = String(relay.port)
    const { pool, pass } = timedPool({ connectionString: url.href, max: 3 })
    closing.push(() => pool.end())
    // Before the pool, which would wait for the answer of a silent connection that nothing has used since.
    closing.push(() => relay.close())
    const load = await openLoad(pool, { timeoutMs: 1_000 })
    closing.push(() => load.close())
    const sending = load.sendMany(100)
    // More of them than the pool has.
    for (const count of [30, 60, 90, 120]) {
      await load.until(count)
      relay.forget()
    }
    await sending
    expect(await load.outcome(pass)).toEqual(right)
    for (const code of load.refused) expect(['storage_busy', 'storage_unavailable']).toContain(code)
  })
})
