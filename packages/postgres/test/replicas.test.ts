import { setTimeout as sleep } from 'node:timers/promises'
import { defineContract, defineEvents, silentLogger } from '@hooks/core'
import { createSender } from '@hooks/sender'
import { virtualClock } from '@hooks/sender/testing'
import pg from 'pg'
import { findOwnPostgres, type OwnPostgres, type Settings } from 'tooling/own-postgres'
import { type Relay, startRelay } from 'tooling/relay'
import { afterEach, describe, expect, it, type TestContext } from 'vitest'
import { postgresStorage, type QueryFunction, toQuery } from '../src/index.ts'
import { type Load, openLoad, timedPool } from './load.ts'
import { run } from './run.ts'
import { server } from './servers.ts'
import { delivered, newEndpoint, send } from './tour.ts'

const TIMEOUT = { timeout: 240_000 }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
}, 60_000)

const right = { missing: 0, twice: 0, undelivered: 0 }

/** A cluster of its own. Where none can be had, the test is skipped, and it is said why. */
async function newPrimary(context: TestContext, settings: Settings = {}): Promise<OwnPostgres> {
  const primary = await findOwnPostgres({ settings })
  if (!primary) return context.skip()
  closing.push(() => primary.close())
  return primary
}

async function relayTo({ url: to, port }: OwnPostgres): Promise<{ relay: Relay; url: string }> {
  const relay = await startRelay('127.0.0.1', port)
  closing.push(() => relay.close())
  const url = new URL(to)
  url.port = String(relay.port)
  return { relay, url: url.href }
}

/** A standby that hears of what is committed by way of a relay, and of nothing more once that is stalled. */
async function laggingStandby(primary: OwnPostgres): Promise<{ standby: OwnPostgres; fallBehind(): Promise<void> }> {
  const { relay, url } = await relayTo(primary)
  const standby = await primary.standby({ primary_conninfo: url })
  return {
    standby,
    async fallBehind() {
      const [at] = await run<{ lsn: string }>(primary.url, 'select pg_current_wal_flush_lsn()::text as lsn')
      const reached = `select pg_last_wal_replay_lsn() >= '${at?.lsn}' as reached`
      while (!(await run<{ reached: boolean }>(standby.url, reached))[0]?.reached) await sleep(10)
      relay.stall()
    },
  }
}

const poolOf = (url: string, max = 5): pg.Pool => {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('error', () => {})
  closing.push(() => pool.end())
  return pool
}

const storageOf = (url: string) => postgresStorage(poolOf(url), { logger: silentLogger })

/** Until a claim is refused by a server that takes no writes, in those words. */
async function untilReadOnly({ storage }: Load): Promise<void> {
  const refusal = () =>
    storage.claim({ worker: 'w', limit: 1, leaseMs: 1, cap: 1 }).then(
      () => undefined,
      (error) => error,
    )
  for (;;) {
    const error = await refusal()
    if (error?.hint === 'connect to the primary') {
      expect(error).toMatchObject({ code: 'storage_unavailable', message: expect.stringContaining('takes no writes') })
      return
    }
    await sleep(20)
  }
}

describe.skipIf(!server)('a PostgreSQL that takes no writes', () => {
  it('is refused while it is read-only, and nothing is lost when it takes writes again', TIMEOUT, async () => {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    closing.push(drop)
    const { pool, pass } = timedPool({ connectionString: url, max: 5 })
    closing.push(() => pool.end())
    const load = await openLoad(pool)
    closing.push(() => load.close())
    const name = new URL(url).pathname.slice(1)
    const admin = (server as NonNullable<typeof server>).url
    await load.sendMany(20)
    const sending = load.sendPast('storage_unavailable')
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`
    await run(admin, `alter database ${name} set default_transaction_read_only = on`)
    await run(admin, end)
    await untilReadOnly(load)
    while (!load.refused.has('storage_unavailable')) await sleep(20)
    await run(admin, `alter database ${name} reset default_transaction_read_only`)
    await run(admin, end)
    await sending
    expect(await load.outcome(pass)).toEqual(right)
    expect([...load.refused]).toEqual(['storage_unavailable'])
  })
})

describe('a replica', () => {
  it(
    'that follows every commit is promoted, and the senders that are led to it go on with all that there was',
    TIMEOUT,
    async (context) => {
      const primary = await newPrimary(context, { synchronous_commit: 'remote_apply' })
      const standby = await primary.standby({ synchronous_standby_names: '' })
      await run(primary.url, `alter system set synchronous_standby_names = '*'`)
      await run(primary.url, 'select pg_reload_conf()')
      const { relay, url } = await relayTo(primary)
      const { pool, pass } = timedPool({ connectionString: url, max: 5 })
      closing.push(() => pool.end())
      const load = await openLoad(pool)
      closing.push(() => load.close())
      const sending = load.sendMany(100)
      await load.until(50)
      relay.cut()
      await primary.kill()
      relay.lead(standby.port)
      relay.restore()
      await untilReadOnly(load)
      await run(standby.url, 'select pg_promote()')
      await sending
      expect(await load.outcome(pass)).toEqual(right)
      for (const code of load.refused) expect(code).toBe('storage_unavailable')
    },
  )

  it(
    'that lags is promoted: the rows of the host and their messages are lost together, and what is left is delivered',
    TIMEOUT,
    async (context) => {
      const primary = await newPrimary(context)
      await run(primary.url, 'create table booking (n int primary key)')
      const { standby, fallBehind } = await laggingStandby(primary)
      const { relay, url } = await relayTo(primary)
      const { pool, pass } = timedPool({ connectionString: url, max: 5 })
      closing.push(() => pool.end())
      const load = await openLoad(pool)
      closing.push(() => load.close())
      const host = poolOf(url)
      const book = async (n: number) => {
        const tx = await host.connect()
        tx.on('error', () => {})
        try {
          await tx.query('begin')
          await tx.query('insert into booking values ($1)', [n])
          await load.hooks.send('tick', { n }, { tenant: 'acme', tx })
          await tx.query('commit')
        } finally {
          tx.release(true)
        }
      }
      const bookings = async (at: string) =>
        (await run<{ n: number }>(at, 'select n from booking order by n')).map(({ n }) => n)

      for (let n = 0; n < 20; n++) await book(n)
      await load.until(20)
      await fallBehind()
      // Acknowledged, and most of it delivered, on a primary that nobody will ever hear of again.
      for (let n = 20; n < 40; n++) await book(n)
      await load.until(60)
      expect((await bookings(url)).length).toBe(40)
      relay.cut()
      await primary.kill()
      await run(standby.url, 'select pg_promote()')
      relay.lead(standby.port)
      relay.restore()
      for (let n = 100; n < 120; n++) await book(n)

      await load.outcome(pass)
      const left = await bookings(standby.url)
      expect(left.filter((n) => n >= 20 && n < 40)).toEqual([])
      const { data } = await load.hooks.messages.list('acme', { limit: 250 })
      expect(data.map(({ data }) => (data as { n: number }).n).sort((a, b) => a - b)).toEqual(left)
      expect(await load.hooks.deliveries.stats('acme')).toMatchObject({
        delivered: 2 * left.length,
        failed: 0,
        retrying: 0,
      })
    },
  )

  it(
    'that was promoted gives no effect to a lease of before, nor does the old primary, when it is back, to one of after',
    TIMEOUT,
    async (context) => {
      const primary = await newPrimary(context)
      const before = storageOf(primary.url)
      await before.schema.migrate()
      const endpoint = newEndpoint()
      await before.endpoints.create(endpoint, 10)
      for (let n = 0; n < 4; n++) await send(before, [endpoint.id])
      const { standby, fallBehind } = await laggingStandby(primary)
      await fallBehind()
      const claim = { worker: 'w', limit: 4, leaseMs: 600_000, cap: 4 }
      const old = await before.claim(claim)
      await primary.kill()
      await run(standby.url, 'select pg_promote()')

      const after = storageOf(standby.url)
      const now = await after.claim(claim)
      // It has not heard of the first claim, and gives the same out again, under other tokens.
      expect(now.map(({ key }) => key)).toEqual(old.map(({ key }) => key))
      const [a, b, c, d] = now.map(({ key }, i) => ({
        old: { key, token: old[i]?.token ?? '' },
        now: { key, token: now[i]?.token ?? '' },
      })) as [Pair, Pair, Pair, Pair]
      const failed = {
        result: 'failed',
        reason: 'exhausted',
        attempt: { ms: 1, status: 500, trigger: 'schedule' },
      } as const
      const retry = { ...failed, result: 'retry', retryInMs: 0 } as const
      expect(
        await after.settle([
          { ...a.old, ...failed },
          { ...b.old, ...retry },
        ]),
      ).toEqual(['stale', 'stale'])
      await after.release([c.old])
      expect(await after.history.stats({ tenant: 'acme' })).toMatchObject({ sending: 4 })
      // A success is true whoever reports it.
      expect(await after.settle([{ ...d.old, ...delivered }])).toEqual(['applied'])
      expect(
        await after.settle([
          { ...a.now, ...delivered },
          { ...d.now, ...retry },
        ]),
      ).toEqual(['applied', 'stale'])

      await primary.start()
      const zombie = storageOf(primary.url)
      expect(
        await zombie.settle([
          { ...b.now, ...failed },
          { ...c.now, ...retry },
        ]),
      ).toEqual(['stale', 'stale'])
      await zombie.release([a.now])
      expect(await zombie.history.stats({ tenant: 'acme' })).toMatchObject({ sending: 4 })
    },
  )

  it(
    'that a sender was given by mistake is refused in words, seldom asked, and served once it is promoted',
    TIMEOUT,
    async (context) => {
      const primary = await newPrimary(context)
      await storageOf(primary.url).schema.migrate()
      const standby = await primary.standby()
      let refused = 0
      let pending = 0
      const query = toQuery(poolOf(standby.url))
      const counted: QueryFunction = async (text, parameters) => {
        pending++
        try {
          return await query(text, parameters)
        } catch (error) {
          refused++
          throw error
        } finally {
          pending--
        }
      }
      const clock = virtualClock()
      const said: { error?: unknown }[] = []
      const say = (what: object) => void said.push(what)
      const logger = { ...silentLogger, warn: say, error: say }
      const storage = postgresStorage(counted, { logger })
      const hooks = createSender({
        contract: defineContract({ events: defineEvents({ tick: {} }) }),
        storage,
        clock,
        logger,
      })
      closing.push(() => hooks.stop())
      const refusal = { code: 'storage_unavailable', hint: 'connect to the primary' }
      /** Lets time pass, and waits for what the server answers meanwhile. */
      const pass = async (seconds: number) => {
        for (let i = 0; i < seconds; i++) {
          await clock.advance(1_000)
          while (pending > 0) await sleep(1)
        }
      }
      const passing = async <T>(call: Promise<T>): Promise<T> => {
        let isOver = false
        const over = () => {
          isOver = true
        }
        call.then(over, over)
        while (!isOver) await pass(1)
        return call
      }

      await expect(passing(hooks.send('tick', {}, { tenant: 'acme' }))).rejects.toMatchObject(refusal)
      await expect(passing(hooks.endpoints.create('acme', { url: 'https://example.com/' }))).rejects.toMatchObject(
        refusal,
      )
      expect(await storage.schema.check()).toMatchObject({ version: (await storage.schema.check()).expected })
      refused = 0
      hooks.start()
      await pass(600)
      expect(said.map(({ error }) => error)).toContainEqual(expect.objectContaining(refusal))
      // Fewer than one in five seconds, by all loops together.
      expect(refused).toBeLessThan(120)
      await run(standby.url, 'select pg_promote()')
      await hooks.send('tick', {}, { tenant: 'acme' })
      while ((await hooks.health()).unexpanded > 0) await pass(1)
    },
  )
})

interface Lease {
  readonly key: string
  readonly token: string
}
interface Pair {
  readonly old: Lease
  readonly now: Lease
}
