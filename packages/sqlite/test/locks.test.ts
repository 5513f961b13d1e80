import { silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { startChild } from './child.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'
import { newEndpoint, newMessage, send } from './tour.ts'

/** A database that another process has locked. */
describe.each(Object.entries(drivers))('a locked database, by %s', (_name, driver) => {
  const claimOne = { worker: 'w', limit: 1, leaseMs: 60_000, cap: 1 }

  it('is waited for, without blocking the process', async () => {
    const path = freshPath()
    const storage = sqliteStorage(path, { driver, logger: silentLogger, busyTimeoutMs: 20_000 })
    await storage.endpoints.create(newEndpoint('e1'), 10)
    await send(storage, 'e1', 1)
    const child = await startChild('hold-lock', path, 2_000)
    await child.printed('locked')
    let turns = 0
    const ticking = setInterval(() => turns++, 10)
    const started = performance.now()
    const putting = storage.put([newMessage('m1')])
    expect(putting).toBeInstanceOf(Promise)
    const claiming = storage.claim(claimOne)
    // Reading needs no lock.
    expect((await storage.depth()).open).toBe(1)
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(await putting).toEqual([{ id: 'm1', outcome: 'created' }])
    expect((await claiming).length).toBe(1)
    expect(performance.now() - started).toBeGreaterThan(1_000)
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(50)
    expect((await storage.unexpanded(10)).map(({ id }) => id)).toEqual(['m1'])
    await child.over
    await storage.close()
  }, 30_000)

  it('is given up after a time, with nothing half-written', async () => {
    const path = freshPath()
    const host = new driver(path)
    host.exec('PRAGMA busy_timeout = 0')
    const storage = sqliteStorage(host, { logger: silentLogger, busyTimeoutMs: 400 })
    await storage.endpoints.create(newEndpoint('e1'), 10)
    const child = await startChild('hold-lock', path, 60_000)
    await child.printed('locked')
    const started = performance.now()
    const busy = expect.objectContaining({ name: 'StorageError', code: 'storage_busy', hint: expect.any(String) })
    await expect(storage.put([newMessage('m1'), newMessage('m2')])).rejects.toEqual(busy)
    expect(performance.now() - started).toBeGreaterThan(390)
    expect(performance.now() - started).toBeLessThan(3_000)
    await expect(storage.claim(claimOne)).rejects.toEqual(busy)
    await expect(storage.endpoints.create(newEndpoint('e2'), 10)).rejects.toEqual(busy)
    // On the handle of the host there is no waiting: it throws.
    expect(() => storage.put([newMessage('m3')], host)).toThrow(busy)
    child.kill()
    await child.over
    expect(await storage.unexpanded(10)).toEqual([])
    expect(await storage.endpoints.get('acme', 'e2')).toBe(null)
    expect(await storage.put([newMessage('m1'), newMessage('m2')])).toEqual([
      { id: 'm1', outcome: 'created' },
      { id: 'm2', outcome: 'created' },
    ])
    await storage.close()
  }, 30_000)

  it('does not keep a storage from being made: its tables are made by the first use', async () => {
    const path = freshPath()
    new driver(path).exec('PRAGMA journal_mode = WAL; create table booking (id text)')
    const child = await startChild('hold-lock', path, 1_000)
    await child.printed('locked')
    const storage = sqliteStorage(path, { driver, logger: silentLogger, busyTimeoutMs: 20_000 })
    const host = new driver(path)
    expect(() => storage.put([newMessage('m1')], host)).toThrow(expect.objectContaining({ code: 'schema_missing' }))
    expect(await storage.put([newMessage('m1')])).toEqual([{ id: 'm1', outcome: 'created' }])
    expect(storage.put([newMessage('m2')], host)).toEqual([{ id: 'm2', outcome: 'created' }])
    await storage.close()
  }, 30_000)

  it('is no longer waited for once the storage is closed', async () => {
    const path = freshPath()
    const storage = sqliteStorage(path, { driver, logger: silentLogger, busyTimeoutMs: 20_000 })
    const child = await startChild('hold-lock', path, 60_000)
    await child.printed('locked')
    const putting = Promise.resolve(storage.put([newMessage('m1')]))
    const refused = expect(putting).rejects.toMatchObject({ code: 'storage_closed' })
    await storage.close()
    await refused
    child.kill()
    await child.over
  }, 30_000)
})
