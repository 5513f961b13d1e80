import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isHooksError, type Logger, silentLogger } from '@hooks/core'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { type SqliteHandle, sqliteStorage } from '../src/index.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'
import { recordingDriver } from './recorder.ts'
import { delivered, newEndpoint, newMessage, send } from './tour.ts'

const invalid = (about: RegExp) =>
  expect.objectContaining({ code: 'option_invalid', hint: expect.stringMatching(about) })
const options = { logger: silentLogger }

describe('what a storage can be made of', () => {
  it("takes libsql's own class, by its own types", async () => {
    const path = freshPath()
    const host = new Libsql(path)
    const storage = sqliteStorage(host, { driver: Libsql })
    host.transaction(() => storage.put([newMessage('m1')], host))()
    expect(await storage.unexpanded(1)).toMatchObject([{ id: 'm1' }])
    await storage.close()
  })

  it('opens a path with a driver that it finds', async () => {
    const storage = sqliteStorage(freshPath())
    expect(storage.facts).toEqual({ clock: 'injected', processes: 'many', tx: 'sync' })
    void storage.put([newMessage('m1')])
    expect(await storage.unexpanded(1)).toMatchObject([{ id: 'm1' }])
    await storage.close()
  })

  it.each([
    'file::memory:',
    'file::memory:?cache=shared',
    'file:app?mode=memory&cache=shared',
    'file:app?a=b&mode=memory',
  ])('refuses a URI of a database in memory, which it would take for a file: %s', (path) => {
    expect(() => sqliteStorage(path, options)).toThrow(invalid(/":memory:"/))
  })

  it('takes a database in memory by its path, and says that it is alone there', async () => {
    const storage = sqliteStorage(':memory:', options)
    expect(storage.facts).toEqual({ clock: 'injected', processes: 'one', tx: 'none' })
    expect(storage.put([newMessage('m1')])).toEqual([{ id: 'm1', outcome: 'created' }])
    await storage.close()
  })

  it.each(Object.entries(drivers))('refuses a handle on a database in memory, by %s', (_name, driver) => {
    for (const path of [':memory:', '']) {
      expect(() => sqliteStorage(new driver(path), options)).toThrow(invalid(/use a file/))
    }
  })

  it.each(Object.entries(drivers))(
    'opens a connection of its own beside the handle, in WAL mode, by %s',
    async (_name, driver) => {
      const path = freshPath()
      const host = new driver(path)
      const opened: string[] = []
      const Counting = class extends (driver as new (path: string) => SqliteHandle) {
        constructor(file: string) {
          super(file)
          opened.push(file)
        }
      }
      const storage = sqliteStorage(host, { ...options, driver: Counting })
      expect(opened).toEqual([path])
      expect(host.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' })
      await storage.close()
      expect(host.prepare('select 1 as one').get()).toMatchObject({ one: 1 })
      host.close()
    },
  )

  it('refuses what is neither', () => {
    for (const wrong of ['', undefined, null, 7, {}, { prepare: () => {} }]) {
      expect(() => sqliteStorage(wrong as string, options)).toThrow(invalid(/path of a file/))
    }
  })

  it('refuses a handle that does not tell its class, and takes the class as an option', async () => {
    const host = new Libsql(freshPath())
    const wrapper: SqliteHandle = {
      prepare: (sql) => host.prepare(sql) as never,
      exec: (sql) => host.exec(sql),
      close: () => host.close(),
    }
    expect(() => sqliteStorage(wrapper, options)).toThrow(invalid(/driver/))
    const storage = sqliteStorage(wrapper, { ...options, driver: Libsql })
    // A wrapper does not tell either whether it is in a transaction.
    expect(storage.put([newMessage('m1')], wrapper)).toEqual([{ id: 'm1', outcome: 'created' }])
    host.exec('BEGIN')
    void storage.put([newMessage('m2')], wrapper)
    host.exec('ROLLBACK')
    expect(await storage.unexpanded(10)).toMatchObject([{ id: 'm1' }])
    await storage.close()
  })

  it('refuses a closed handle', () => {
    const host = new Libsql(freshPath())
    host.close()
    expect(() => sqliteStorage(host, options)).toThrow(expect.objectContaining({ code: 'option_invalid' }))
  })

  it('refuses a prefix that is no plain name', () => {
    for (const prefix of ['', '1a', 'a-b', 'a b', "a';--", 'é_']) {
      expect(() => sqliteStorage(':memory:', { ...options, prefix })).toThrow(invalid(/letters/))
    }
  })

  it('keeps two prefixes in one file apart', async () => {
    const path = freshPath()
    const one = sqliteStorage(path, { ...options, prefix: 'one_' })
    const two = sqliteStorage(path, { ...options, prefix: 'Two_hooks_' })
    await one.put([newMessage('m1')])
    expect(await two.unexpanded(1)).toEqual([])
    await two.endpoints.create(newEndpoint('e1'), 1)
    await send(two, 'e1', 1)
    const [lease] = await two.claim({ worker: 'w', limit: 1, leaseMs: 1_000, cap: 1 })
    expect(await two.settle([{ key: lease?.key ?? '', token: lease?.token ?? '', ...delivered }])).toEqual(['applied'])
    expect(await one.history.stats({ tenant: 'acme' })).toMatchObject({ delivered: 0 })
    const host = new Libsql(path)
    const tables = host.prepare("select name from sqlite_master where name not like 'sqlite_%'").all() as {
      name: string
    }[]
    expect(tables.filter(({ name }) => !/^(one_|Two_hooks_)/.test(name))).toEqual([])
    await one.close()
    await two.close()
  })

  it('reports a file that cannot be opened, or is no database, at the first call', async () => {
    const junk = freshPath()
    writeFileSync(junk, 'no database'.repeat(1_000))
    for (const path of [join(freshPath(), 'no', 'such', 'folder.db'), junk]) {
      const storage = sqliteStorage(path, options)
      await expect(storage.depth()).rejects.toMatchObject({ code: 'storage_unavailable', hint: expect.any(String) })
      await storage.close()
    }
  })

  it('warns of a transaction from another driver', async () => {
    const warnings: unknown[] = []
    const logger: Logger = { ...silentLogger, warn: (fields) => warnings.push(fields) }
    const path = freshPath()
    const Other = recordingDriver(new Set())
    const storage = sqliteStorage(path, { logger, driver: Libsql })
    for (const tx of [new Libsql(path), new (class extends Libsql {})(path)]) void storage.put([newMessage('m1')], tx)
    expect(warnings).toEqual([])
    const other = new Other(path)
    for (const id of ['m2', 'm3']) void storage.put([newMessage(id)], other)
    expect(warnings).toEqual([{ own: 'Database' }])
    await storage.close()
  })

  it('warns where there is no write-ahead log', async () => {
    const warnings: unknown[] = []
    const logger: Logger = { ...silentLogger, warn: (fields) => warnings.push(fields) }
    const path = freshPath()
    const Stubborn = class extends Libsql {
      override prepare(sql: string) {
        return super.prepare(sql === 'PRAGMA journal_mode = WAL' ? `select 'delete' as journal_mode` : sql) as never
      }
    }
    const storage = sqliteStorage(path, { logger, driver: Stubborn })
    expect(warnings).toEqual([{ mode: 'delete' }])
    await storage.close()
  })
})

describe.each(Object.entries(drivers))('what comes back, by %s', (name, driver) => {
  it('keeps texts that drivers change: NUL, lone surrogates, backslashes', async () => {
    const storage = sqliteStorage(':memory:', { ...options, driver })
    const texts = ['a\0b', '\ud800', 'x\udc00y', '\\', '\\u0000', 'C:\\new "quoted" \n', '\u{1f680} é']
    await storage.endpoints.create(
      newEndpoint('e1', { name: texts.join('|'), metadata: { note: texts.join('|') } }),
      10,
    )
    expect(await storage.endpoints.get('acme', 'e1')).toMatchObject({
      name: texts.join('|'),
      metadata: { note: texts.join('|') },
    })
    await send(storage, 'e1', texts.length)
    const leases = await storage.claim({ worker: 'w', limit: 10, leaseMs: 1_000, cap: 10 })
    await storage.settle(
      leases.map(({ key, token }, i) => {
        const text = texts[i] ?? ''
        return { key, token, ...delivered, attempt: { ...delivered.attempt, response: text, detail: text } }
      }),
    )
    for (const [i, { key }] of leases.entries())
      expect(await storage.history.attempts('acme', key)).toMatchObject([{ response: texts[i], detail: texts[i] }])
    // Keys that a driver would take for one another.
    for (const [i, idempotencyKey] of ['k\0a', 'k\0b', 'k', 'k\ud800', 'k\ud801', 'k\\ud800'].entries())
      expect(storage.put([newMessage(`k${i}`, { idempotencyKey, data: `${i}` })])).toMatchObject([
        { outcome: 'created' },
      ])
    expect(await storage.history.message('acme', 'k3')).toMatchObject({ idempotencyKey: 'k\ud800' })
    await storage.close()
  })

  it('is the same whatever the host has told its handle to return', async () => {
    const path = freshPath()
    const settings = name === 'node:sqlite' ? { readBigInts: true, returnArrays: true } : {}
    const host = new (driver as new (path: string, settings: object) => SqliteHandle)(path, settings)
    ;(host as { defaultSafeIntegers?: (on: boolean) => void }).defaultSafeIntegers?.(true)
    // It reads the list of databases with them, too.
    const storage = sqliteStorage(path, { ...options, driver })
    host.exec('BEGIN IMMEDIATE')
    await storage.endpoints.create(newEndpoint('e1'), 10, host)
    const inside = await storage.endpoints.get('acme', 'e1', host)
    expect(storage.put([newMessage('m1', { idempotencyKey: 'k' })], host)).toMatchObject([{ outcome: 'created' }])
    expect(storage.put([newMessage('m2', { idempotencyKey: 'k' })], host)).toEqual([{ id: 'm1', outcome: 'duplicate' }])
    host.exec('COMMIT')
    expect(inside).toEqual(await storage.endpoints.get('acme', 'e1'))
    expect(typeof inside?.rev).toBe('number')
    const derived = sqliteStorage(host, { ...options, driver })
    expect(await derived.unexpanded(10)).toMatchObject([{ id: 'm1' }])
    await derived.close()
    await storage.close()
  })
})

describe('errors', () => {
  it('never carry a payload', async () => {
    const storage = sqliteStorage(':memory:', options)
    try {
      void storage.put([newMessage('m1', { data: '"a secret"', type: null as unknown as string })])
      throw new Error('it did not throw')
    } catch (error) {
      expect(isHooksError(error, 'storage_unavailable')).toBe(true)
      const all = `${(error as Error).message} ${(error as { hint?: string }).hint} ${String((error as Error).cause)}`
      expect(all).not.toContain('a secret')
    }
    await storage.close()
  })
})
