import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger } from '@hooks/core'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import { queueSuite } from '@hooks/sender/testing'
import pg from 'pg'
import { findPgbouncer } from 'tooling/pgbouncer'
import { startRelay } from 'tooling/relay'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { type PostgresQueueOptions, postgresQueue, postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'

const database = server && (await server.database())
const url = database?.url ?? ''
const bouncer = server && (await findPgbouncer(server.url))
afterAll(async () => {
  await bouncer?.close()
  await database?.drop()
})
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
}, 60_000)

let channels = 0

/** Two processes' queues on a channel of their own, behind a relay that can be cut. */
async function fresh(over: Partial<PostgresQueueOptions> = {}) {
  const { hostname, port } = new URL(url)
  const relay = await startRelay(hostname, Number(port || 5432))
  const there = new URL(url)
  there.hostname = '127.0.0.1'
  there.port = String(relay.port)
  const channel = `rings_${++channels}`
  const pools = [1, 2].map(() => {
    const pool = new pg.Pool({ connectionString: there.href, max: 2, connectionTimeoutMillis: 5_000 })
    pool.on('error', () => {})
    return pool
  })
  const [queue, second] = pools.map((pool) =>
    postgresQueue({ database: pool, listener: () => new pg.Client(there.href), channel, ...over }),
  ) as [ReturnType<typeof postgresQueue>, ReturnType<typeof postgresQueue>]
  return {
    queue,
    second,
    relay,
    channel,
    outage: { begin: () => relay.cut(), end: () => relay.restore() },
    async close() {
      await Promise.all([queue.close(), second.close()])
      await Promise.all(pools.map((pool) => pool.end()))
      await relay.close()
    },
  }
}

async function opened(over: Partial<PostgresQueueOptions> = {}) {
  const made = await fresh(over)
  closing.push(made.close)
  return made
}

/** Listens, and counts. */
async function ear(queue: ReturnType<typeof postgresQueue>) {
  const seen = { heard: 0, errors: [] as unknown[] }
  await queue.listen(async () => void seen.heard++, { concurrency: 1, onError: (error) => seen.errors.push(error) })
  return seen
}

if (server)
  queueSuite(
    { describe, it, expect },
    { name: 'PostgreSQL', facts: { clock: 'own', processes: 'many', server: true }, make: () => fresh() },
  )
// Seen in the report: where no PostgreSQL is to be had there is nothing to run it on. With CI set, looking for one fails instead.
else describe.skip('queue contract: PostgreSQL, without a PostgreSQL', () => {})

describe.skipIf(!server)('the queue on NOTIFY and LISTEN', { timeout: 120_000 }, () => {
  it('hears again, by itself, on a connection that was terminated, and looks for what was rung meanwhile', async () => {
    const { queue, second } = await opened()
    const seen = await ear(queue)
    const admin = new pg.Client(url)
    await admin.connect()
    closing.push(() => admin.end())
    for (let round = 1; round <= 3; round++) {
      const heard = seen.heard
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %'`,
      )
      while (seen.heard === heard) await sleep(10)
    }
    const heard = seen.heard
    await second.ring(0)
    while (seen.heard === heard) await sleep(10)
    expect(seen.errors.length).toBeGreaterThanOrEqual(3)
    for (const error of seen.errors) expect(error).toMatchObject({ code: 'queue_unavailable' })
  })

  it('notices a connection that has gone silent, and takes another', async () => {
    const { queue, second, relay } = await opened({ heartbeat: '100ms' })
    const seen = await ear(queue)
    relay.forget()
    while (seen.errors.length === 0) await sleep(20)
    const heard = seen.heard
    while (seen.heard === heard) {
      await second.ring(0).catch(() => {})
      await sleep(50)
    }
    expect(seen.errors[0]).toMatchObject({ code: 'queue_unavailable', message: 'what is notified is not heard' })
  })

  it('says so where its listener is behind a pooler by transaction, and rings through one', async (context) => {
    if (!bouncer) return context.skip()
    const pooled = () => new pg.Client(bouncer.through(url))
    const { queue } = await opened({ listener: pooled })
    // So many at once that each gets another connection of the pooler.
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => ear(queue)))
    const refused = tries.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(refused.length).toBeGreaterThan(0)
    for (const error of refused)
      expect(error).toMatchObject({ code: 'queue_unavailable', hint: expect.stringContaining('pooler by transaction') })

    const pool = new pg.Pool({ connectionString: bouncer.through(url), max: 2 })
    closing.push(() => pool.end())
    const { queue: direct } = await opened({ database: pool })
    const seen = await ear(direct)
    await direct.ring(0)
    while (seen.heard === 0) await sleep(10)
  })

  it('takes what is no number for a ring for now, and a heartbeat of another for nothing', async () => {
    const { queue, channel } = await opened()
    const seen = await ear(queue)
    const admin = new pg.Client(url)
    await admin.connect()
    closing.push(() => admin.end())
    await admin.query('select pg_notify($1, $2)', [channel, 'heartbeat of-another'])
    for (const payload of ['', 'soon', '-5', 'NaN', '{}']) {
      const heard = seen.heard
      await admin.query('select pg_notify($1, $2)', [channel, payload])
      while (seen.heard === heard) await sleep(5)
    }
    expect(seen.heard).toBe(5)
  })

  it('refuses a channel that is no name', () => {
    const listener = () => new pg.Client()
    for (const channel of ['', 'Rings', 'a"b', 'a'.repeat(64)])
      expect(() => postgresQueue({ database: async () => [], listener, channel })).toThrow(
        expect.objectContaining({ code: 'option_invalid' }),
      )
  })
})

describe.skipIf(!server)('senders with a queue on PostgreSQL', { timeout: 120_000 }, () => {
  it('deliver at once what another has sent, in a transaction or not, and notify in none of the host', async () => {
    const received: number[] = []
    const receiver = createServer(async (request, response) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of request) chunks.push(chunk)
      received.push(JSON.parse(Buffer.concat(chunks).toString()).data.n)
      response.writeHead(204).end()
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    closing.push(() => {
      receiver.closeAllConnections()
      receiver.close()
    })
    const pool = new pg.Pool({ connectionString: url })
    closing.push(() => pool.end())
    const { queue, second } = await opened()
    await postgresStorage(pool).schema.migrate()
    const contract = defineContract({ events: defineEvents({ tick: {} }) })
    const process = (one: typeof queue) =>
      createSender({
        contract,
        storage: postgresStorage(pool),
        queue: one,
        dev: true,
        logger: silentLogger,
        // Nothing is found by polling in this test.
        poll: '10m',
      })
    const [web, worker] = [process(queue), process(second)]
    closing.push(() => Promise.all([web.stop(), worker.stop()]))
    await web.endpoints.create('acme', { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` })
    worker.start()
    while ((await worker.health()).queue !== 'ok') await sleep(10)
    const host = await pool.connect()
    const statements: string[] = []
    const query = host.query.bind(host)
    host.query = ((...given: Parameters<typeof query>) => {
      const [first] = given as unknown as [string | { text: string }]
      statements.push(typeof first === 'string' ? first : first.text)
      return query(...given)
    }) as typeof host.query
    for (let n = 0; n < 20; n++) {
      if (n % 2 === 0) await web.send('tick', { n }, { tenant: 'acme' })
      else {
        await host.query('begin')
        await web.send('tick', { n }, { tenant: 'acme', tx: host })
        await host.query('commit')
      }
      while (received.length <= n) await sleep(5)
    }
    host.release()
    expect(received.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    expect(statements.length).toBe(30)
    expect(statements.join()).not.toMatch(/notify/i)
  })
})
