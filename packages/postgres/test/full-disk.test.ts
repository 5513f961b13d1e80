import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { findOwnPostgres } from 'tooling/own-postgres'
import { afterEach, expect, it } from 'vitest'
import { openLoad, timedPool } from './load.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
}, 60_000)

const system = (command: string, ...values: string[]) => execFileSync(command, values, { stdio: 'ignore' })

/** A disk for the tables of one database alone; undefined where this process may not mount one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'hooks-disk-'))
  try {
    system('mount', '-t', 'tmpfs', '-o', 'size=48m,mode=0777', 'tmpfs', folder)
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
  closing.push(() => {
    system('umount', '-l', folder)
    rmSync(folder, { recursive: true })
  })
  return folder
}

it('a disk that is full under load is storage_full, and all goes on once there is space', {
  timeout: 240_000,
}, async (context) => {
  const own = await findOwnPostgres()
  if (!own) return context.skip()
  const folder = smallDisk()
  closing.push(() => own.close())
  if (folder === undefined) return context.skip('this process may not mount a disk')
  system('chown', '--reference', own.folder, folder)
  system('chmod', '0700', folder)
  const admin = new pg.Client(own.url)
  await admin.connect()
  closing.push(() => admin.end())
  await admin.query(`create tablespace small location '${folder}'`)
  await admin.query('create database small tablespace small')
  const url = new URL(own.url)
  url.pathname = '/small'
  const { pool, pass } = timedPool({ connectionString: url.href, max: 5 })
  closing.push(() => pool.end())
  const load = await openLoad(pool)
  closing.push(() => load.close())
  await load.sendMany(20)
  await load.until(40)
  const sending = load.sendPast('storage_full')
  await pool.query('create table filler (word text)')
  const fill = (words: number) =>
    pool.query(`insert into filler select repeat(md5(i::text), 20) from generate_series(1, ${words}) i`)
  // What does not fit at all is not there in part: smaller and smaller pieces take what is left.
  for (let words = 10_000; words >= 1; words = Math.floor(words / 2)) {
    while (
      await fill(words).then(
        () => true,
        () => false,
      )
    );
  }
  while (!load.refused.has('storage_full')) await fill(10).catch(() => {})
  await pool.query('drop table filler')
  await sending
  expect(await load.outcome(pass)).toEqual({ missing: 0, twice: 0, undelivered: 0 })
  expect([...load.refused]).toEqual(['storage_full'])
})
