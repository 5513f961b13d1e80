import { drizzle } from 'drizzle-orm/node-postgres'
import knexFactory from 'knex'
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { describe, expect, it } from 'vitest'
import { type PostgresHandle, postgresInbox, postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { byHand, hotPath, newEndpoint, send } from './tour.ts'

/** A host's database, and how the host closes it. */
type Opened = readonly [PostgresHandle, close: () => Promise<unknown>]

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

/** What hosts have: each library with what people set in it, above all with columns renamed and values parsed their way. */
const libraries: Readonly<Record<string, (url: string) => Opened | Promise<Opened>>> = {
  'pg with types of its own'(url) {
    // bigint as BigInt, as many do; every other value as its text.
    const types = { getTypeParser: (oid: number) => (oid === 20 ? BigInt : String) }
    const pool = new pg.Pool({ connectionString: url, types: types as never })
    return [pool, () => pool.end()]
  },
  'postgres.js that renames columns'(url) {
    const sql = postgres(url, { transform: postgres.camel, types: { bigint: postgres.BigInt } })
    return [sql, () => sql.end()]
  },
  'Kysely that renames columns'(url) {
    const dialect = new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) })
    const db = new Kysely<object>({ dialect, plugins: [new CamelCasePlugin()] })
    return [db, () => db.destroy()]
  },
  'Knex that renames columns'(url) {
    const db = knexFactory({
      client: 'pg',
      connection: url,
      postProcessResponse: (result: { rows?: object[] }) => ({
        ...result,
        rows: result.rows?.map((row) =>
          Object.fromEntries(Object.entries(row).map(([name, value]) => [camel(name), value])),
        ),
      }),
    })
    return [db, () => db.destroy()]
  },
  Drizzle(url) {
    const pool = new pg.Pool({ connectionString: url })
    return [drizzle(pool), () => pool.end()]
  },
  async TypeORM(url) {
    const source = await new DataSource({ type: 'postgres', url }).initialize()
    return [source, () => source.destroy()]
  },
}

describe.skipIf(!server).each(Object.entries(libraries))('%s', (_name, open) => {
  async function place() {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const [db, end] = await open(url)
    return { db, close: () => end().then(drop) }
  }

  it('has a storage that does all that a sender asks of it, and gives back what was written', {
    timeout: 60_000,
  }, async () => {
    const { db, close } = await place()
    const storage = postgresStorage(db, { migrate: true })
    await hotPath(storage)
    await byHand(storage)

    const endpoint = newEndpoint()
    await storage.endpoints.create(endpoint, 100)
    const [sent] = (await send(storage, [endpoint.id], { type: 'answered' })) as [string]
    const attempt = { ms: 3, status: 503, responseHeaders: { 'retry-after': '1' }, trigger: 'schedule' } as const
    const claim = async () => {
      const leases = await storage.claim({ worker: 'w', limit: 100, leaseMs: 60_000, cap: 100 })
      const { key, token } = leases.find(({ delivery }) => delivery.delivery.id === sent) as (typeof leases)[number]
      return { key, token }
    }
    await storage.settle([{ ...(await claim()), result: 'retry', retryInMs: 0, attempt }])
    expect(await storage.history.delivery('acme', sent)).toMatchObject({ state: 'retrying', last: attempt })
    await storage.settle([{ ...(await claim()), result: 'failed', reason: 'exhausted', attempt }])
    expect(await storage.history.delivery('acme', sent)).toMatchObject({ state: 'failed', last: attempt })
    expect(await storage.history.attempts('acme', sent)).toMatchObject([attempt, attempt])
    expect(await storage.history.prune({ historyBefore: new Date(0) }, 10)).toMatchObject({ removed: 0 })
    expect(await storage.history.expunge({ tenant: 'acme' }, 1_000)).toMatchObject({ more: false })
    await close()
  })

  it('has an inbox that keeps requests to the byte, and counts what it tries again', { timeout: 60_000 }, async () => {
    const { db, close } = await place()
    const inbox = postgresInbox(db, { migrate: true })
    const body = Uint8Array.from({ length: 256 }, (_, i) => i)
    const request = {
      method: 'POST',
      url: '/hooks',
      headers: [['webhook-id', 'a']] as [string, string][],
      body,
      keyId: 'k',
      receiver: 'r',
      receivedAt: new Date('2026-01-02T03:04:05.678Z'),
    }
    for (const key of ['a', 'b', 'c']) expect(await inbox.accept({ key, request }, { keepMs: 60_000 })).toBe('accepted')
    const claim = () => inbox.claim({ receiver: 'r', worker: 'w', limit: 10, leaseMs: 60_000 })
    const leases = await claim()
    expect(leases.map((lease) => lease.request)).toEqual([request, request, request])
    await inbox.settle(leases.map(({ key, token }) => ({ key, token, result: 'dead', reason: 'broken' })))
    expect((await inbox.dead({ receiver: 'r', limit: 10 })).data.map(({ key }) => key)).toEqual(['a', 'b', 'c'])
    expect(await inbox.retry(['a', 'b', 'c', 'd'])).toBe(3)
    expect(await inbox.retry(['a'])).toBe(0)
    await inbox.release((await claim()).map(({ key, token }) => ({ key, token })))
    const begun = await inbox.begin('e', { leaseMs: 1_000 })
    if (begun.state !== 'claimed') throw new Error('it should be free')
    expect(await inbox.complete(begun.lease, { keepMs: 1_000 })).toBe('applied')
    expect(await inbox.completedWithin('e', 1_000)).toBe(true)
    await close()
  })
})
