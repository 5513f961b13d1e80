import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { crashSuite } from '@hooks/sender/testing'
import pg from 'pg'
import { compiledScript } from 'tooling/script'
import { afterAll, describe, expect, it } from 'vitest'
import { postgresStorage, toQuery } from '../src/index.ts'
import { movableTime } from './place.ts'
import { probe } from './probe.ts'
import { server } from './servers.ts'
import { delivered, newEndpoint, send } from './tour.ts'

const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

const NAME = `hooks-crash-${process.pid}`

/** A process that is ready to be told what to die of. */
async function ready(url: string): Promise<ChildProcess> {
  const script = await compiledScript(new URL('./children/crash.ts', import.meta.url))
  const child = fork(script, [url], {
    serialization: 'advanced',
    env: { ...process.env, PGAPPNAME: NAME },
  })
  children.add(child)
  await once(child, 'message')
  return child
}

async function open() {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => {})
  await postgresStorage(pool).schema.migrate()
  return {
    url,
    pool,
    query: toQuery(pool),
    close: async () => {
      await pool.end()
      await drop()
    },
  }
}

if (server)
  crashSuite(
    { describe, it, expect },
    {
      name: 'PostgreSQL',
      facts: { clock: 'database', processes: 'many', tx: 'async' },
      failpoints: ['before', 'during'],
      async make({ random }) {
        const { url, pool, query, close } = await open()
        const time = movableTime()
        let next = ready(url)
        return {
          storage: postgresStorage(time.on(pool), { random }),
          pass: time.pass,
          probe: () => probe(query),
          async crash(crash) {
            const child = await next
            child.send(crash)
            const [code] = await once(child, 'exit')
            children.delete(child)
            next = ready(url)
            // What was sent goes on in the server, until that has noticed.
            const rest = `select 1 from pg_stat_activity where application_name = '${NAME}' and datname = current_database() and state <> 'idle'`
            while ((await query(rest)).length > 0) await sleep(5)
            if (code !== null && code !== 0) throw new Error(`a process ended with ${code}`)
            return code === null ? 'killed' : 'ended'
          },
          async close() {
            ;(await next).kill('SIGKILL')
            await close()
          },
        }
      },
    },
  )
// Seen in the report: where no PostgreSQL is to be had there is nothing to run it on. With CI set, looking for one fails instead.
else describe.skip('storage contract under SIGKILL: PostgreSQL, without a PostgreSQL', () => {})

describe.skipIf(!server)('the probe beside the storage', () => {
  it('finds nothing in what a storage does, and each fault that is made by hand', async () => {
    const { pool, query, close } = await open()
    const storage = postgresStorage(pool)
    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 10)
    for (let n = 0; n < 3; n++) await send(storage, [endpoint.id])
    const claimed = await storage.claim({ worker: 'w', limit: 3, leaseMs: 60_000, cap: 3 })
    const ends = claimed.map(({ key, token }) => ({ key, token, ...delivered }))
    await storage.settle(
      ends.slice(0, 2).map((end, i) => (i === 0 ? { ...end, result: 'retry', retryInMs: 60_000 } : end)),
    )
    expect(await probe(query)).toEqual([])
    for (const fault of [
      'update hooks.lane set leased = leased + 1',
      'update hooks.lane set open = open - 1',
      'update hooks.lane set ready_at = null, leased = 0; update hooks.open set leased = false',
      'delete from hooks.payload',
      'delete from hooks.message',
      'delete from hooks.attempt',
      'update hooks.attempt set n = 2',
      'update hooks.ended set attempts = 2',
      'update hooks.ended set last_at = null',
      'update hooks.ended set last_manual = null',
      'update hooks.open set token = null',
      'update hooks.open set endpoint_id = (select min(endpoint_id) from hooks.open), message_id = (select min(message_id) from hooks.open)',
      `insert into hooks.outbox select id, week, tenant, type, occurred_at, now() from hooks.message`,
      'delete from hooks.lane',
    ]) {
      const client = await pool.connect()
      await client.query('begin')
      await client.query(fault)
      expect([fault, (await probe(toQuery(client))).length]).not.toEqual([fault, 0])
      await client.query('rollback')
      client.release()
    }
    await close()
  })
})
