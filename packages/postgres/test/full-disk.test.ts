import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findOwnPostgres, type OwnPostgres } from 'tooling/own-postgres'
import { afterEach, describe, expect, it } from 'vitest'
import { type Load, openLoad, timedPool } from './load.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
}, 60_000)

const system = (command: string, ...values: string[]) => execFileSync(command, values, { stdio: 'ignore' })

/** A disk of so many MB. @throws where this process may not mount one */
function mountDisk(megabytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'hooks-disk-'))
  try {
    system('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0777`, 'tmpfs', folder)
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
  closing.push(() => {
    system('umount', '-l', folder)
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** Who is not root, or is it in a container alone, may not; and where there is no tmpfs, only the disk of all could be filled. */
function mayMount(): boolean {
  try {
    mountDisk(1)
    return true
  } catch {
    process.stderr.write('no disk to be filled by tests: this process may not mount a tmpfs\n')
    return false
  } finally {
    for (const close of closing.splice(0)) close()
  }
}

/** Fills a disk to the last byte, with a file of somebody else's. Returns how to be rid of that. */
function fill(disk: string): () => void {
  const name = join(disk, 'theirs')
  const file = openSync(name, 'w')
  for (let size = 1 << 20; size >= 1; size >>= 1) while (isWritten(file, size));
  closeSync(file)
  return () => rmSync(name)
}

/** A disk that is nearly full takes a part of it. */
function isWritten(file: number, size: number): boolean {
  try {
    return writeSync(file, new Uint8Array(size)) === size
  } catch {
    return false
  }
}

async function loadOn(url: string): Promise<Load & { isRight(): Promise<void> }> {
  const { pool, pass } = timedPool({ connectionString: url, max: 5 })
  closing.push(() => pool.end())
  const load = await openLoad(pool)
  closing.push(() => load.close())
  await load.sendMany(20)
  await load.until(40)
  return Object.assign(load, {
    isRight: async () => expect(await load.outcome(pass)).toEqual({ missing: 0, twice: 0, undelivered: 0 }),
  })
}

/** Begins file after file of the write-ahead log, for as long as there is room for one. */
async function useUpLog(url: string): Promise<void> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  try {
    await client.connect()
    for (;;) await client.query("select pg_logical_emit_message(true, 'x', 'x'), pg_switch_wal()")
  } catch {
    // There is no more.
  } finally {
    await client.end().catch(() => {})
  }
}

const SMALL_LOG = { min_wal_size: '32MB', max_wal_size: '48MB' }

/** Fills the disk of a write-ahead log under load. PostgreSQL cannot go on without: whoever runs it starts it again. */
async function runsOut(own: OwnPostgres, disk: string): Promise<void> {
  closing.push(() => own.close())
  const load = await loadOn(own.url)
  const makeSpace = fill(disk)
  const sending = load.sendPast('storage_unavailable')
  await useUpLog(own.url)
  while (!load.refused.has('storage_unavailable')) await sleep(10)
  makeSpace()
  // It may have come back by itself, where its recovery could do with what was left.
  await own.kill()
  await own.start()
  await sending
  await load.isRight()
  for (const code of load.refused) expect(['storage_full', 'storage_unavailable']).toContain(code)
}

describe.skipIf(!mayMount())('a disk that is full under load', { timeout: 240_000 }, () => {
  it('of the tables is storage_full, and all goes on once there is space', async (context) => {
    const own = await findOwnPostgres()
    if (!own) return context.skip()
    closing.push(() => own.close())
    const disk = mountDisk(48)
    system('chown', '--reference', own.folder, disk)
    system('chmod', '0700', disk)
    const admin = new pg.Client(own.url)
    await admin.connect()
    closing.push(() => admin.end())
    await admin.query(`create tablespace small location '${disk}'`)
    await admin.query('create database small tablespace small')
    const url = new URL(own.url)
    url.pathname = '/small'
    const load = await loadOn(url.href)
    const makeSpace = fill(disk)
    const sending = load.sendPast('storage_full')
    while (!load.refused.has('storage_full')) await sleep(10)
    makeSpace()
    await sending
    await load.isRight()
    expect([...load.refused]).toEqual(['storage_full'])
  })

  it('of the write-ahead log ends the server, and loses and doubles nothing when that is back', async (context) => {
    const disk = mountDisk(64)
    const own = await findOwnPostgres({ walFolder: join(disk, 'wal'), settings: SMALL_LOG })
    if (!own) return context.skip()
    await runsOut(own, disk)
    expect(own.log()).toMatch(/PANIC: .*No space left on device/)
  })

  it('of the tables and their log is no different', async (context) => {
    const disk = mountDisk(128)
    const folder = join(disk, 'cluster')
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    const own = await findOwnPostgres({ folder, settings: SMALL_LOG })
    if (!own) return context.skip()
    await runsOut(own, disk)
  })
})
