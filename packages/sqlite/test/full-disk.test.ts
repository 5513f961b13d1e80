import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@hooks/core'
import { afterEach, describe, expect, it } from 'vitest'
import { type SqliteHandle, sqliteStorage } from '../src/index.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'
import { delivered, newEndpoint, newMessage, send } from './tour.ts'

const full = expect.objectContaining({ name: 'StorageError', code: 'storage_full', hint: expect.any(String) })
const big = JSON.stringify('x'.repeat(20_000))

const system = (command: string, ...values: string[]) => execFileSync(command, values, { stdio: 'ignore' })

const mounts: string[] = []
afterEach(() => {
  for (const folder of mounts.splice(0)) {
    system('umount', '-l', folder)
    rmSync(folder, { recursive: true })
  }
})

/** A small disk; undefined where this process may not mount one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'hooks-disk-'))
  try {
    system('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder)
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
  mounts.push(folder)
  return folder
}

describe.each(Object.entries(drivers))('a full disk, by %s', (_name, driver) => {
  it('is storage_full, nothing is half-written, and all goes on once there is space', async (context) => {
    const folder = smallDisk()
    if (folder === undefined) return context.skip('this process may not mount a disk')
    const host = new driver(join(folder, 'app.db'))
    const storage = sqliteStorage(host, { logger: silentLogger })
    await storage.endpoints.create(newEndpoint('e1'), 10)
    await send(storage, 'e1', 3)
    const claim = { worker: 'w', limit: 3, leaseMs: 60_000, cap: 3 }
    const leases = await storage.claim(claim)
    const { bavail, bsize } = statfsSync(folder)
    writeFileSync(join(folder, 'fill'), Buffer.alloc(Number(bavail) * Number(bsize)))

    expect(() => storage.put([newMessage('m1', { data: big })])).toThrow(full)
    host.exec('BEGIN IMMEDIATE')
    void storage.put([newMessage('m2', { data: big })], host)
    // A transaction takes no space before it commits.
    expect(() => host.exec('COMMIT')).toThrow()
    try {
      host.exec('ROLLBACK')
    } catch {
      // SQLite may have rolled back by itself.
    }
    const settlements = leases.map(({ key, token }) => ({
      key,
      token,
      ...delivered,
      attempt: { ...delivered.attempt, response: big },
    }))
    await expect(storage.settle(settlements)).rejects.toEqual(full)
    expect(await storage.unexpanded(10)).toEqual([])
    expect(await storage.depth()).toMatchObject({ open: 3 })

    rmSync(join(folder, 'fill'))
    expect(storage.put([newMessage('m1', { data: big })])).toEqual([{ id: 'm1', outcome: 'created' }])
    expect(await storage.settle(settlements)).toEqual(['applied', 'applied', 'applied'])
    expect(await storage.depth()).toMatchObject({ open: 0, unexpanded: 1 })
    await storage.close()
    host.close()
  }, 30_000)

  it('in the midst of a put leaves nothing of it, and all goes on once there is space', async () => {
    const connections: SqliteHandle[] = []
    // A limit on the pages stands in for the disk, where no disk can be mounted.
    const Limited = class extends (driver as new (path: string) => SqliteHandle) {
      constructor(path: string) {
        super(path)
        connections.push(this)
      }
    }
    const storage = sqliteStorage(freshPath(), { driver: Limited, logger: silentLogger })
    const [own] = connections as [SqliteHandle]
    const pages = (own.prepare('PRAGMA page_count').get() as { page_count: number }).page_count
    const limit = (count: number) => own.prepare(`PRAGMA max_page_count = ${count}`).get()
    for (let more = 0; more < 40; more++) {
      limit(pages + more)
      const batch = Array.from({ length: 8 }, (_, n) => newMessage(`m${n}`, { data: big }))
      expect(() => storage.put(batch)).toThrow(full)
      expect(await storage.history.messages({ tenant: 'acme' }, { limit: 10 })).toEqual({ data: [] })
      expect(await storage.depth()).toMatchObject({ unexpanded: 0 })
    }
    limit(1_000_000)
    expect(storage.put([newMessage('m1', { data: big })])).toEqual([{ id: 'm1', outcome: 'created' }])
    await storage.close()
  }, 30_000)

  it('in a transaction of the host leaves nothing of the put, whether or not the host commits all the same', async () => {
    const path = freshPath()
    const host = new driver(path)
    const storage = sqliteStorage(host, { logger: silentLogger })
    const pages = (host.prepare('PRAGMA page_count').get() as { page_count: number }).page_count
    for (let more = 0; more < 40; more++) {
      host.prepare(`PRAGMA max_page_count = ${pages + more}`).get()
      host.exec('BEGIN IMMEDIATE')
      const batch = Array.from({ length: 8 }, (_, n) => newMessage(`m${n}`, { data: big, idempotencyKey: `k${n}` }))
      expect(() => storage.put(batch, host)).toThrow(full)
      try {
        host.exec('COMMIT')
      } catch {
        // SQLite has rolled back the whole transaction, and the host learns it here.
      }
      expect(await storage.history.messages({ tenant: 'acme' }, { limit: 10 })).toEqual({ data: [] })
      expect(await storage.depth()).toMatchObject({ unexpanded: 0 })
    }
    await storage.close()
    host.close()
  }, 30_000)
})
