import { isHooksError, silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { type SqliteHandle, sqliteStorage } from '../src/index.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'
import { delivered, newEndpoint, newMessage, send } from './tour.ts'

/** The traps of SQLite's transactions: what a rollback of the host takes along, and what it must not. */
describe.each(Object.entries(drivers))('transactions of the host, by %s', (name, driver) => {
  function open(path = freshPath()) {
    const host = new driver(path)
    host.exec('create table if not exists booking (id text primary key)')
    const storage = sqliteStorage(host, { logger: silentLogger })
    const ids = async () => (await storage.unexpanded(100)).map(({ id }) => id)
    const bookings = () => host.prepare('select id from booking').all().length
    return { path, host, storage, ids, bookings }
  }

  /** A host's transaction as it is written by hand. */
  function transaction(host: SqliteHandle, work: () => void): void {
    host.exec('BEGIN IMMEDIATE')
    try {
      work()
      host.exec('COMMIT')
    } catch (error) {
      host.exec('ROLLBACK')
      throw error
    }
  }

  it('the message and the row of the host are there together', async () => {
    const { host, storage, ids, bookings } = open()
    transaction(host, () => {
      host.prepare('insert into booking values (?)').run('b1')
      void storage.put([newMessage('m1')], host)
    })
    expect([await ids(), bookings()]).toEqual([['m1'], 1])
    await storage.close()
  })

  it('a put that throws takes the transaction of the host with it', async () => {
    const { host, storage, ids, bookings } = open()
    const put = () =>
      transaction(host, () => {
        host.prepare('insert into booking values (?)').run('b1')
        void storage.put([newMessage('m1')], host)
        void storage.put([newMessage('m2', { type: null as unknown as string })], host)
      })
    expect(put).toThrow(expect.objectContaining({ code: 'storage_unavailable' }))
    expect([await ids(), bookings()]).toEqual([[], 0])
    await storage.close()
  })

  it('a put of several that throws leaves none of them, also in a host that goes on and commits', async () => {
    const { host, storage, ids, bookings } = open()
    transaction(host, () => {
      host.prepare('insert into booking values (?)').run('b1')
      void storage.put([newMessage('m1')], host)
      expect(
        () =>
          void storage.put(
            [newMessage('m2', { idempotencyKey: 'k' }), newMessage('m3', { type: null as unknown as string })],
            host,
          ),
      ).toThrow()
      void storage.put([newMessage('m4')], host)
    })
    expect([await ids(), bookings()]).toEqual([['m1', 'm4'], 1])
    expect(storage.put([newMessage('m5', { idempotencyKey: 'k', data: '1' })])).toEqual([
      { id: 'm5', outcome: 'created' },
    ])
    await storage.close()
  })

  it('a host that rolls back leaves no message', async () => {
    const { host, storage, ids, bookings } = open()
    host.exec('BEGIN')
    host.prepare('insert into booking values (?)').run('b1')
    expect(storage.put([newMessage('m1')], host)).toEqual([{ id: 'm1', outcome: 'created' }])
    host.exec('ROLLBACK')
    expect([await ids(), bookings()]).toEqual([[], 0])
    await storage.close()
  })

  it('a rollback to a savepoint of the host takes back what was put after it', async () => {
    const { host, storage, ids } = open()
    transaction(host, () => {
      void storage.put([newMessage('m1')], host)
      host.exec('SAVEPOINT inner_one')
      void storage.put([newMessage('m2')], host)
      host.exec('ROLLBACK TO inner_one')
      void storage.put([newMessage('m3')], host)
    })
    expect(await ids()).toEqual(['m1', 'm3'])
    await storage.close()
  })

  it('a settlement of the worker outlives a rollback of the host', async () => {
    const { host, storage } = open()
    await storage.endpoints.create(newEndpoint('e1'), 10)
    await send(storage, 'e1', 1)
    const [lease] = await storage.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })
    // The host has begun, and only reads, while the worker settles.
    host.exec('BEGIN')
    host.prepare('select * from booking').all()
    expect(await storage.settle([{ key: lease?.key ?? '', token: lease?.token ?? '', ...delivered }])).toEqual([
      'applied',
    ])
    host.exec('ROLLBACK')
    expect(await storage.history.delivery('acme', 'd000001')).toMatchObject({ state: 'delivered', attempts: 1 })
    await storage.close()
  })

  it('the worker does not wait for ever, nor block the process, while the host holds the lock across awaits', async () => {
    const { host, storage } = open()
    await storage.endpoints.create(newEndpoint('e1'), 10)
    await send(storage, 'e1', 1)
    host.exec('BEGIN IMMEDIATE')
    // The host commits once the process has had its turns: one that was blocked would never get there.
    let turns = 0
    const ticking = setInterval(() => {
      if (++turns === 20) host.exec('COMMIT')
    }, 5)
    expect((await storage.claim({ worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 })).length).toBe(1)
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(10)
    await storage.close()
  })

  it('a handle without a transaction gets one: all of a put or nothing', async () => {
    const { host, storage, ids } = open()
    expect(() => storage.put([newMessage('m1'), newMessage('m2', { type: null as unknown as string })], host)).toThrow()
    expect(await ids()).toEqual([])
    expect(storage.put([newMessage('m1'), newMessage('m2')], host)).toEqual([
      { id: 'm1', outcome: 'created' },
      { id: 'm2', outcome: 'created' },
    ])
    expect(await ids()).toEqual(['m1', 'm2'])
    host.exec('BEGIN IMMEDIATE')
    host.exec('COMMIT')
    await storage.close()
  })

  it('a host that has read before it writes cannot wait for the lock, and is told so at once', async () => {
    const { host, storage } = open()
    host.exec('BEGIN')
    host.prepare('select count(*) from booking').all()
    void storage.put([newMessage('m1')])
    const error = thrown(() => storage.put([newMessage('m2')], host))
    expect(isHooksError(error, 'storage_busy')).toBe(true)
    host.exec('ROLLBACK')
    await storage.close()
  })

  it('endpoint calls in a transaction run before they return', async () => {
    const { host, storage } = open()
    host.exec('BEGIN IMMEDIATE')
    const creating = storage.endpoints.create(newEndpoint('e1'), 10, host)
    host.exec('COMMIT')
    expect(await creating).toBe('applied')
    expect(await storage.endpoints.get('acme', 'e1')).toMatchObject({ id: 'e1', rev: 1 })
    host.exec('BEGIN IMMEDIATE')
    const removing = storage.endpoints.remove('acme', 'e1', host)
    host.exec('ROLLBACK')
    expect(await removing).toBe('applied')
    expect(await storage.endpoints.get('acme', 'e1', host)).toMatchObject({ id: 'e1' })
    await storage.close()
  })

  it('the handle of the host stays open, and usable, after the storage is closed', async () => {
    const { host, storage, bookings } = open()
    void storage.put([newMessage('m1')], host)
    await storage.close()
    expect(bookings()).toBe(0)
    expect(() => storage.put([newMessage('m2')], host)).toThrow(expect.objectContaining({ code: 'storage_closed' }))
    host.close()
  })

  it.runIf(name === 'node:sqlite')('a handle that was closed and opened again works at once', async () => {
    const { host, storage, ids } = open()
    void storage.put([newMessage('m1')], host)
    host.close()
    ;(host as unknown as { open(): void }).open()
    expect(storage.put([newMessage('m2')], host)).toEqual([{ id: 'm2', outcome: 'created' }])
    expect(await ids()).toEqual(['m1', 'm2'])
    await storage.close()
  })

  it('a closed handle is refused', async () => {
    const { path, storage } = open()
    const other = new driver(path)
    other.close()
    expect(() => storage.put([newMessage('m1')], other)).toThrow(expect.objectContaining({ code: 'storage_closed' }))
    await storage.close()
  })

  it('a handle on another database is refused, and so is what is no handle', async () => {
    const { storage, ids } = open()
    const elsewhere = open()
    for (const tx of [elsewhere.host, {} as SqliteHandle, null as unknown as SqliteHandle])
      expect(() => storage.put([newMessage('m1')], tx)).toThrow(expect.objectContaining({ code: 'tx_unsupported' }))
    expect(await ids()).toEqual([])
    expect(await elsewhere.ids()).toEqual([])
    await storage.close()
    await elsewhere.storage.close()
  })
})

function thrown(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
