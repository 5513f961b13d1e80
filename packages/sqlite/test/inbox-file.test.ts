import { type InboxLease, silentLogger } from '@hooks/core'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { type SqliteHandle, sqliteInbox, sqliteStorage } from '../src/index.ts'
import { startChild } from './child.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'
import { recordingDriver } from './recorder.ts'

const options = { logger: silentLogger, driver: Libsql }
const OURS = { receiver: 'billing' }
const request = {
  method: 'POST',
  url: '/hooks',
  headers: [],
  body: new Uint8Array([1, 2, 3]),
  keyId: '0',
  ...OURS,
  receivedAt: new Date(0),
}
const accept = (key: string, tx?: SqliteHandle) =>
  [
    { key, request },
    { keepMs: 60_000, ...(tx && { tx }) },
  ] as const
const claimOne = { ...OURS, worker: 'w', limit: 1, leaseMs: 60_000 }

describe('an inbox beside a storage', () => {
  it('has tables of its own, with or without those of the storage', async () => {
    const path = freshPath()
    const inbox = sqliteInbox(path, options)
    expect(await inbox.accept(...accept('k'))).toBe('accepted')
    expect(tablesOf(path)).toEqual(['hooks_inbox', 'hooks_inbox_meta'])
    const storage = sqliteStorage(path, options)
    expect((await storage.depth()).open).toBe(0)
    expect(await inbox.nextDueInMs(OURS)).toBe(0)
    expect(await inbox.schema.check()).toMatchObject({ version: 1, expected: 1 })
    await storage.close()
    await inbox.close()
  })

  it('is made by the host, from the statements that it is given, under the names that it is given', async () => {
    const path = freshPath()
    const host = new Libsql(path)
    const inbox = sqliteInbox(host, { ...options, migrate: false, prefix: 'app_' })
    const missing = expect.objectContaining({ code: 'schema_missing', hint: expect.stringContaining('migrate()') })
    await expect(inbox.nextDueInMs(OURS)).rejects.toEqual(missing)
    expect(() => inbox.begin('k', { leaseMs: 1 })).toThrow(missing)
    for (const { sql } of inbox.schema.migrations()) for (const statement of sql) host.exec(statement)
    expect(await inbox.accept(...accept('k'))).toBe('accepted')
    expect(tablesOf(path)).toEqual(['app_inbox', 'app_inbox_meta'])
    await inbox.close()
  })

  it('of a newer release is refused where that says so', async () => {
    const path = freshPath()
    await sqliteInbox(path, options).close()
    new Libsql(path).exec('update hooks_inbox_meta set version = 2, least_client = 2')
    const inbox = sqliteInbox(path, options)
    await expect(inbox.nextDueInMs(OURS)).rejects.toMatchObject({ code: 'schema_too_new' })
    await inbox.close()
  })
})

describe.each(Object.entries(drivers))('an inbox in transactions of the host, by %s', (_name, driver) => {
  function open(path = freshPath()) {
    const host = new driver(path)
    host.exec('create table if not exists booking (id text primary key)')
    return { path, host, inbox: sqliteInbox(host, { logger: silentLogger, busyTimeoutMs: 300 }) }
  }

  it('claim, effect and completion commit together, or not at all', async () => {
    const { host, inbox } = open()
    const handle = (fail: boolean) => {
      host.exec('BEGIN IMMEDIATE')
      const begun = inbox.begin('k', { leaseMs: 60_000, tx: host })
      if (begun instanceof Promise || begun.state !== 'claimed') throw new Error('the key should be free')
      host.prepare('insert into booking values (?)').run('b1')
      expect(inbox.complete(begun.lease, { keepMs: 60_000, tx: host })).toBe('applied')
      host.exec(fail ? 'ROLLBACK' : 'COMMIT')
    }
    const bookings = () => host.prepare('select id from booking').all().length
    handle(true)
    expect([bookings(), await inbox.completedWithin('k', 60_000)]).toEqual([0, false])
    handle(false)
    expect([bookings(), await inbox.completedWithin('k', 60_000)]).toEqual([1, true])
    expect(await inbox.begin('k', { leaseMs: 60_000 })).toEqual({ state: 'completed' })
    await inbox.close()
  })

  it('a settlement of the worker outlives a rollback of the host', async () => {
    const { host, inbox } = open()
    await inbox.accept(...accept('k'))
    const [lease] = (await inbox.claim(claimOne)) as [InboxLease]
    host.exec('BEGIN')
    host.prepare('select * from booking').all()
    expect(await inbox.settle([{ key: lease.key, token: lease.token, result: 'completed' }])).toEqual(['applied'])
    host.exec('ROLLBACK')
    expect(await inbox.completedWithin('k', 60_000)).toBe(true)
    await inbox.close()
  })

  it('a transaction that has read nothing yet waits for no other reader, and writes at once', async () => {
    const { path, host, inbox } = open()
    await inbox.accept(...accept('other'))
    // Deferred: it becomes a writer by the claim itself, which reads nothing before.
    host.exec('BEGIN')
    const second = sqliteInbox(path, { logger: silentLogger, driver })
    await second.accept(...accept('meanwhile'))
    expect(inbox.begin('k', { leaseMs: 60_000, tx: host })).toMatchObject({ state: 'claimed' })
    expect(inbox.accept(...accept('meanwhile', host))).toBe('duplicate')
    host.exec('COMMIT')
    await second.close()
    await inbox.close()
  })

  it('a handle on another database is refused, and so is one on an inbox in memory', async () => {
    const { inbox } = open()
    const elsewhere = open()
    const memory = sqliteInbox(':memory:', { logger: silentLogger, driver })
    const unsupported = expect.objectContaining({ code: 'tx_unsupported' })
    expect(() => inbox.begin('k', { leaseMs: 1, tx: elsewhere.host })).toThrow(unsupported)
    expect(() => inbox.accept(...accept('k', {} as SqliteHandle))).toThrow(unsupported)
    expect(() => memory.complete({ key: 'k', token: '' }, { keepMs: 1, tx: elsewhere.host })).toThrow(unsupported)
    for (const one of [inbox, elsewhere.inbox, memory]) await one.close()
  })

  it('a lock of another process is waited for without blocking this one, and nothing is half-written after that', async () => {
    const { path, inbox } = open()
    const child = await startChild('hold-lock', path, 60_000)
    await child.printed('locked')
    let turns = 0
    const ticking = setInterval(() => turns++, 5)
    const busy = { code: 'storage_busy', hint: expect.any(String) }
    await expect(inbox.accept(...accept('k'))).rejects.toMatchObject(busy)
    await expect(inbox.begin('b', { leaseMs: 60_000 })).rejects.toMatchObject(busy)
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(10)
    child.kill()
    await child.over
    expect(await inbox.accept(...accept('k'))).toBe('accepted')
    expect(await inbox.begin('b', { leaseMs: 60_000 })).toMatchObject({ state: 'claimed' })
    await inbox.close()
    await expect(inbox.nextDueInMs(OURS)).rejects.toMatchObject({ code: 'storage_closed' })
  }, 30_000)

  it('keeps texts that drivers change: NUL, lone surrogates, backslashes', async () => {
    const inbox = sqliteInbox(':memory:', { logger: silentLogger, driver })
    const keys = ['k\0a', 'k\0b', 'k', 'k\ud800', 'k\ud801', 'k\\ud800']
    for (const key of keys) {
      const odd = { ...request, url: key, headers: [[key, key]] as const, keyId: key }
      expect(await inbox.accept({ key, request: odd }, { keepMs: 60_000 })).toBe('accepted')
    }
    const leases = await inbox.claim({ ...claimOne, limit: 10 })
    expect(leases.map(({ key, request: { url, headers, keyId } }) => [key, url, headers, keyId])).toEqual(
      keys.map((key) => [key, key, [[key, key]], key]),
    )
    await inbox.settle(leases.map(({ key, token }) => ({ key, token, result: 'dead', reason: key })))
    expect((await inbox.dead({ ...OURS, limit: 10 })).data.map(({ reason }) => reason)).toEqual(keys)
    await inbox.close()
  })

  it('what was begun and never completed is known for a day, and then forgotten', async () => {
    let now = 0
    const clock = { now: () => new Date(now), monotonic: () => now, sleep: async () => {} }
    const inbox = sqliteInbox(':memory:', { logger: silentLogger, driver, clock })
    await inbox.begin('crashed', { leaseMs: 1_000 })
    now = 80_000_000
    expect(await inbox.prune(10)).toEqual({ more: false })
    expect(await inbox.begin('crashed', { leaseMs: 1_000 })).toMatchObject({ lease: { claims: 2 } })
    now = 200_000_000
    await inbox.prune(10)
    expect(await inbox.begin('crashed', { leaseMs: 1_000 })).toMatchObject({ lease: { claims: 1 } })
    await inbox.close()
  })
})

describe('query plans of an inbox', () => {
  it('search, and never walk through the table or sort it', async () => {
    const path = freshPath()
    const statements = new Set<string>()
    const inbox = sqliteInbox(path, { driver: recordingDriver(statements), logger: silentLogger })
    for (const key of ['a', 'b', 'c']) await inbox.accept(...accept(key))
    const leases = (await inbox.claim({ ...claimOne, limit: 3 })) as [InboxLease, InboxLease, InboxLease]
    await inbox.settle([
      { ...leases[0], result: 'completed' },
      { ...leases[1], result: 'retry', retryInMs: 1 },
      { ...leases[2], result: 'dead', reason: 'exhausted' },
    ])
    await inbox.release(leases)
    await inbox.nextDueInMs(OURS)
    await inbox.dead({ ...OURS, limit: 1 })
    await inbox.retry(['c'])
    const begun = await inbox.begin('begun', { leaseMs: 60_000 })
    if (begun.state === 'claimed') {
      await inbox.extend(begun.lease, 60_000)
      await inbox.abandon(begun.lease)
      await inbox.complete(begun.lease, { keepMs: 1 })
    }
    await inbox.begin('a', { leaseMs: 1 })
    await inbox.completedWithin('a', 1)
    await inbox.prune(10)
    await inbox.close()
    const db = new Libsql(path)
    const plans = [...statements]
      .filter((sql) => !/PRAGMA|sqlite_master/.test(sql))
      .map((sql) => ({
        sql,
        steps: (db.prepare(`explain query plan ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail),
      }))
    expect(plans.length).toBeGreaterThan(15)
    const walking = plans.filter(({ steps }) =>
      steps.some((step) => /TEMP B-TREE/.test(step) || (step.startsWith('SCAN') && !/VIRTUAL TABLE/.test(step))),
    )
    expect(walking).toEqual([])
    db.close()
  })
})

function tablesOf(path: string): string[] {
  const db = new Libsql(path)
  const rows = db.prepare(`select name from sqlite_master where type = 'table' order by name`).all() as {
    name: string
  }[]
  db.close()
  return rows.map(({ name }) => name)
}
