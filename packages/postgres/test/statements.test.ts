import { defineContract, defineEvents } from '@hooks/core'
import { createSender } from '@hooks/sender'
import pg from 'pg'
import { type Counted, openCounted } from 'tooling/counted-postgres'
import { hasLibrary } from 'tooling/own-postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'

const contract = defineContract({ events: defineEvents({ tick: {} }) })
/** Binaries from elsewhere may come without the library that counts. */
const canCount = hasLibrary('pg_stat_statements') || !process.env.HOOKS_TEST_POSTGRES_BIN

describe.skipIf(!canCount)("a send in the host's transaction, counted by pg_stat_statements", () => {
  let counted: Counted
  let host: pg.Client

  beforeAll(async () => {
    counted = (await openCounted(2)) as Counted
    await postgresStorage(counted.pool).schema.migrate()
    await counted.pool.query('create table booking (id text)')
    host = new pg.Client(counted.url)
    await host.connect()
  })
  afterAll(async () => {
    await host?.end()
    await counted?.close()
  })

  const newHooks = () => createSender({ contract, storage: postgresStorage(counted.pool), dev: true })

  /** What a send costs between the host's own statements, all connections of the server counted. */
  async function costOfSend(hooks: ReturnType<typeof newHooks>, options: { idempotencyKey?: string } = {}) {
    await host.query('begin')
    await host.query(`insert into booking values ('b1')`)
    const cost = await counted.costOf(() => hooks.send('tick', { n: 1 }, { tenant: 'acme', tx: host, ...options }))
    await host.query('commit')
    return cost
  }

  it('is one call and no other, on this connection and on all, be it the first of the process', async () => {
    expect(await costOfSend(newHooks())).toMatchObject({ calls: 1 })
    expect(await costOfSend(newHooks(), { idempotencyKey: 'k1' })).toMatchObject({ calls: 1 })
    // The same message again.
    expect(await costOfSend(newHooks(), { idempotencyKey: 'k1' })).toMatchObject({ calls: 1 })
  })

  it('is no longer with 100,000 endpoints that match: it looks at the same pages, and writes the same', async () => {
    const hooks = newHooks()
    const ofMany = async () => {
      const total = { calls: 0, pages: 0, walBytes: 0 }
      for (let n = 0; n < 20; n++) {
        const { calls, pages, walBytes } = await costOfSend(hooks)
        total.calls += calls
        total.pages += pages
        total.walBytes += walBytes
      }
      return total
    }
    // Indexes of some size: by what follows none of them gets a level more.
    const messages = Array.from({ length: 1_000 }, () => ({ type: 'tick' as const, data: {}, tenant: 'acme' }))
    for (let n = 0; n < 5; n++) await hooks.sendMany(messages)
    await ofMany()
    const few = await ofMany()
    await counted.pool.query(`
      insert into hooks.endpoint (id, tenant, url, state, metadata, secrets, settings, rev, created_at, updated_at)
        select 'ep_' || i, 'acme', 'https://example.com', 'enabled', '{}', '[]', '{}', 1, now(), now()
        from generate_series(1, 100000) i`)
    await counted.pool.query(
      `insert into hooks.lane (endpoint_id, tenant) select 'ep_' || i, 'acme' from generate_series(1, 100000) i`,
    )
    await counted.pool.query('analyze')
    expect((await hooks.endpoints.list('acme', { limit: 100 })).data).toHaveLength(100)
    // What a connection reads again of tables that were analysed.
    await ofMany()
    const many = await ofMany()
    expect(many.calls).toBe(20)
    expect(few.calls).toBe(20)
    // Where an index grows by a page.
    expect(many.pages / few.pages).toBeLessThan(1.1)
    expect(many.walBytes / few.walBytes).toBeLessThan(1.1)
  })
})
