import { type Migration, silentLogger, systemClock, systemRandom } from '@hooks/core'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../src/database.ts'
import { postgresStorage } from '../src/index.ts'
import type { Component } from '../src/ledger.ts'
import { STORAGE_MIGRATIONS } from '../src/sql/schema.ts'
import { server } from './servers.ts'
import { delivered, newEndpoint, send } from './tour.ts'

const newest = STORAGE_MIGRATIONS.at(-1)?.id ?? 0
const next = newest + 1

/** The component as a later release has it, with one migration more. */
const later = (phase: Migration['phase'], leastClient: number): Component => ({
  name: 'storage',
  leastClient,
  migrations: [
    ...STORAGE_MIGRATIONS,
    {
      id: next,
      phase,
      sql: ['alter table hooks.job add column color text', `create index job_color on hooks.job (color)`],
    },
  ],
})

async function place() {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const pool = new pg.Pool({ connectionString: url })
  const release = (component: Component, migrate = false) =>
    openDatabase({
      handle: pool,
      component,
      schema: 'hooks',
      migrate,
      timeoutMs: 30_000,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    })
  const close = async () => {
    await pool.end()
    await drop()
  }
  return { pool, release, close }
}

describe.skipIf(!server)('tables of an older release', () => {
  it('are refused by a newer one with what to run, and nothing is changed in them', async () => {
    const { pool, release, close } = await place()
    await postgresStorage(pool).schema.migrate()
    const newer = release(later('expand', 1))
    await expect(newer.run('select 1 as one')).rejects.toMatchObject({
      code: 'schema_outdated',
      message: `the tables have version ${newest}, and this release needs ${next}`,
      hint: expect.stringContaining(`storage.schema.migrations(${newest})`),
    })
    expect((await pool.query(`select version from hooks.meta`)).rows).toEqual([{ version: newest }])
    await close()
  })

  it('are brought up to date with all that is in them, and the older release goes on beside the newer', async () => {
    const { pool, release, close } = await place()
    const older = postgresStorage(pool)
    await older.schema.migrate()
    const endpoint = newEndpoint()
    await older.endpoints.create(endpoint, 10)
    const [sent] = (await send(older, [endpoint.id])) as [string]
    // Several processes of the new release begin at once.
    await Promise.all([1, 2, 3].map(() => release(later('expand', 1), true).run('select color from hooks.job')))
    const [lease] = await older.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })
    expect(lease?.key).toBe(sent)
    expect(await older.settle([{ key: sent, token: lease?.token ?? '', ...delivered }])).toEqual(['applied'])
    expect(await postgresStorage(pool).depth()).toMatchObject({ open: 0 })
    await close()
  })

  it('are refused to the older release once the newer one has taken something away', async () => {
    const { pool, release, close } = await place()
    await postgresStorage(pool).schema.migrate()
    await release(later('contract', next), true).run('select 1 as one')
    await expect(postgresStorage(pool).depth()).rejects.toMatchObject({ code: 'schema_too_new' })
    await close()
  })
})
