import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { defineContract, defineEvents, generateSecret, hmacFormat, part, type Storage, systemRandom } from '@hooks/core'
import { postgresStorage } from '@hooks/postgres'
import { type Answer, createSender, type KeyringOptions } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'
import Libsql from 'libsql'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { canaryIn } from '../src/canary.ts'
import { findPostgres } from '../src/servers/postgres.ts'

const postgres = await findPostgres()

/** A storage, and everything that stands in it as somebody with the disk, or a dump, would read it. */
interface Place {
  readonly storage: Storage
  dump(): Promise<string>
  close(): Promise<void>
}

const places: Readonly<Record<string, (() => Promise<Place>) | undefined>> = {
  SQLite: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hooks-canary-'))
    const storage = sqliteStorage(join(folder, 'a.db'), { driver: Libsql })
    return {
      storage: storage as Storage,
      // The write-ahead log too.
      dump: async () =>
        readdirSync(folder)
          .map((name) => readFileSync(join(folder, name), 'latin1'))
          .join('\n'),
      async close() {
        await storage.close()
        await rm(folder, { recursive: true })
      },
    }
  },
  PostgreSQL:
    postgres &&
    (async () => {
      const { url, drop } = await postgres.database()
      const pool = new pg.Pool({ connectionString: url })
      return {
        storage: postgresStorage(pool, { migrate: true }) as Storage,
        async dump() {
          const { rows } = await pool.query<{ name: string }>(
            `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
          )
          const tables = await Promise.all(rows.map(({ name }) => pool.query(`select t::text as row from ${name} t`)))
          return tables.flatMap((table) => table.rows.map(({ row }) => row)).join('\n')
        },
        close: () => pool.end().then(drop),
      }
    }),
}

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const legacyFormat = () =>
  hmacFormat({
    name: 'plain',
    secret: 'text',
    body: { id: part.deliveryId, type: part.type, data: part.data },
    signature: { header: 'x-plain-signature', encoding: 'hex', over: [part.body] },
  })
/** What a customer gives: none of it is told again. */
const given = { token: 'given-CANARYSECRET-token', legacy: 'given CANARYSECRET legacy', query: 'CANARYSECRET-query' }
const ANSWERS: readonly object[] = [
  { status: 500 },
  { status: 410 },
  { error: 'tls_failed', detail: '' },
  { status: 429 },
  { status: 200 },
]

/** Does whatever can be done with secrets, rightly and wrongly, and keeps everything that was told of it. */
async function live(storage: Storage, keyring?: KeyringOptions) {
  const told: unknown[] = []
  const note = (...what: unknown[]) => void told.push(what)
  let n = 0
  const transport = {
    async send() {
      const answer = ANSWERS[n++ % ANSWERS.length]
      return { ms: 1, sent: true, headers: {}, body: new Uint8Array(), truncated: false, ...answer } as Answer
    },
  }
  const options = {
    contract: defineContract({
      events: defineEvents({ 'user.deleted': {} }),
      policy: { retry: ['0s', '10ms'], jitter: 0, pace: false },
    }),
    storage,
    transport,
    poll: '50ms',
    alsoSign: legacyFormat(),
    logger: { debug: note, info: note, warn: note, error: note },
  } as const
  const hooks = createSender({ ...options, ...(keyring && { keyring }) })
  for (const event of ['delivery.delivered', 'delivery.failed', 'attempt.failed', 'endpoint.disabled'] as const)
    hooks.on(event, note)
  const attempt = async (act: () => Promise<unknown>) => note(await act().catch((error: unknown) => error))
  const rest = async () => {
    for (;;) {
      const { due, unexpanded, inFlight } = await hooks.health()
      if (due + unexpanded + inFlight === 0) return
      await sleep(10)
    }
  }

  const { secret, ...made } = await hooks.endpoints.create('acme', {
    url: 'https://acme.example/',
    headers: { authorization: given.token },
    alsoSign: { secret: given.legacy },
  })
  note(made)
  const { id } = made
  await attempt(() => hooks.endpoints.create('acme', { url: 'https://a.example/', secret: `${secret}A` }))
  await attempt(() => hooks.endpoints.create('acme', { url: `ftp://a.example/?${given.query}` }))
  await attempt(() => hooks.endpoints.create('acme', { url: `https://${given.token}@a.example/` }))
  await attempt(() => hooks.endpoints.rotateSecret('acme', id, { secret: `${secret.slice(0, 20)} ` }))
  await attempt(() => hooks.endpoints.update('acme', id, { headers: { 'bad name': given.token } }))
  await attempt(() => hooks.endpoints.update('acme', id, { headers: { good: `${given.token}\n` } }))
  await attempt(() => hooks.endpoints.update('acme', id, { alsoSign: { secret: '' } }))
  const pair = await hooks.endpoints.create('globex', { url: 'https://globex.example/', signing: 'v1a' })
  hooks.start()
  for (let i = 0; i < 8; i++) {
    await hooks.send('user.deleted', { i }, { tenant: i % 2 ? 'acme' : 'globex' })
    await rest()
    await hooks.endpoints.enable('acme', id)
    await hooks.endpoints.enable('globex', pair.id)
  }
  const rotated = await hooks.endpoints.rotateSecret('acme', id, { overlap: '2h' })
  await attempt(() => hooks.endpoints.list('acme'))
  await attempt(() => hooks.endpoints.get('acme', id))
  await attempt(() => hooks.deliveries.list('acme'))
  await attempt(() => hooks.messages.list('acme'))
  await attempt(() => hooks.health())
  note(hooks)
  await hooks.stop()
  const lived = { told, secrets: [secret, rotated.secret] }
  if (!keyring) return lived
  const wrong = createSender({ ...options, keyring: { current: 'k1', keys: { k1: key(8) } } })
  await attempt(() => wrong.rewrapSecrets())
  wrong.start()
  await wrong.send('user.deleted', {}, { tenant: 'acme' })
  while (!told.some((one) => inspect(one).includes('secret_sealed'))) await sleep(10)
  await wrong.stop()
  return lived
}

const keyring = { current: 'k1', keys: { k1: key(1) } }

describe('every secret that chance makes in a test', () => {
  it('can be recognised, however it is written', () => {
    const secret = generateSecret(systemRandom)
    const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64')
    expect(bytes).toHaveLength(32)
    for (const shown of [
      secret,
      { deep: [{ secret }] },
      bytes.toString('hex'),
      bytes.toString('latin1'),
      [...bytes].join(),
    ])
      expect(canaryIn(shown)).toBeDefined()
    expect(canaryIn(new Error(`no ${secret}`))).toBeDefined()
    expect(canaryIn({ id: 'msg_1' }, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')).toBe(undefined)
  })
})

for (const [name, open] of Object.entries(places)) {
  describe.skipIf(!open)(`secrets on ${name}`, { timeout: 120_000 }, () => {
    it('stand in no log, error, event, answer or inspection, nor in a dump of the database', async () => {
      const place = await (open as () => Promise<Place>)()
      const { told, secrets } = await live(place.storage, keyring)
      const dump = await place.dump()
      await place.close()
      expect(secrets.map((secret) => canaryIn(secret))).not.toContain(undefined)
      expect(told.length).toBeGreaterThan(20)
      expect(dump.length).toBeGreaterThan(4_000)
      expect(canaryIn(...told)).toBe(undefined)
      expect(canaryIn(JSON.stringify(told, withoutCircles()))).toBe(undefined)
      expect(canaryIn(dump)).toBe(undefined)
    })

    it('stand in the dump where there is no keyring, so that the dump would show them', async () => {
      const place = await (open as () => Promise<Place>)()
      await live(place.storage)
      const dump = await place.dump()
      await place.close()
      expect(canaryIn(dump)).toBeDefined()
    })
  })
}

function withoutCircles() {
  const above = new WeakSet<object>()
  return (_name: string, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if (above.has(value)) return undefined
    above.add(value)
    return value
  }
}
