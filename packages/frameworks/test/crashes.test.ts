import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findPostgres } from 'tooling/postgres'
import { findRedis } from 'tooling/redis'
import { afterAll, describe, expect, it } from 'vitest'
import { type Database, FRAMEWORKS, type Mode, POINTS } from './crashes/plan.ts'
import { play, type Report } from './crashes/play.ts'
import { processes } from './crashes/process.ts'

/** 200 in the slow lane (`pnpm crash`). */
const ROUNDS = Number(process.env.HOOKS_CRASH_ROUNDS ?? 0)
const postgres = await findPostgres()
const redis = await findRedis()
const stage = await processes()
const folder = mkdtempSync(join(tmpdir(), 'hooks-crashes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = (): string => join(folder, `${randomBytes(6).toString('hex')}.sqlite`)

/** Every point in every framework, where there are rounds enough; else each point, and each framework, once at least. */
function expectAll({ rounds, kills }: Report, points: readonly string[]): void {
  const least = Math.floor(rounds / (points.length * FRAMEWORKS.length))
  const seen = new Set(Object.values(kills).flatMap((counts) => Object.keys(counts)))
  expect([...seen].sort()).toEqual([...points].sort())
  expect(Object.keys(kills).sort()).toEqual([...FRAMEWORKS].sort())
  for (const framework of FRAMEWORKS)
    for (const point of points)
      expect(kills[framework]?.[point] ?? 0, `${framework}, ${point}`).toBeGreaterThanOrEqual(least)
}

async function run(mode: Mode, database: Database) {
  const size = ROUNDS > 0 ? { rounds: ROUNDS, copies: 200, random: true } : { rounds: POINTS[mode].length, copies: 4 }
  const report = await play(stage, { mode, database }, size)
  const { rounds, kills, repeated, lost, early, unanswered } = report
  if (ROUNDS > 0) {
    const behind = Object.entries(kills).map(([framework, counts]) => `${framework} ${JSON.stringify(counts)}`)
    process.stdout.write(
      `${database.kind}, ${mode}: ${rounds} rounds of ${size.copies} at once, killed ${behind.join(', ')}; lost ${lost.length}, early ${early.length}, unanswered ${unanswered.length}, done twice ${repeated.length}\n`,
    )
  }
  expect({ lost, early, unanswered }).toEqual({ lost: [], early: [], unanswered: [] })
  expectAll(report, [...POINTS[mode], ...(size.random ? ['random'] : [])])
  return report
}

/** How often hosts were killed at those points. */
const times = ({ kills }: Report, ...points: string[]): number =>
  Object.values(kills).reduce((sum, counts) => sum + points.reduce((all, point) => all + (counts[point] ?? 0), 0), 0)

/** A receiver's process, killed with SIGKILL at every named point, behind each framework; observed from outside. */
// In the slow lane all at once: most of a round is waiting for a host to stand by.
describe('a receiver that is killed', { concurrent: ROUNDS > 0, timeout: ROUNDS > 0 ? 3_600_000 : 300_000 }, () => {
  it('on SQLite, in the transaction of the host: nothing lost, done once, no 200 before the commit', async () => {
    expect((await run('transaction', { kind: 'sqlite', path: file() })).repeated).toEqual([])
  })

  it.skipIf(!postgres)(
    'on PostgreSQL, in the transaction of the host: nothing lost, done once, no 200 before the commit',
    async () => {
      const place = await (postgres as NonNullable<typeof postgres>).database()
      expect((await run('transaction', { kind: 'postgres', url: place.url })).repeated).toEqual([])
      await place.drop()
    },
  )

  /** Under a key alone a kill between the effect and its completion is work done twice, and nothing else is. */
  const keyed = async (database: Database) => {
    const report = await run('keyed', database)
    expect(report.repeated).toContain(`msg_${POINTS.keyed.indexOf('after effect')}`)
    expect(report.repeated.length).toBeLessThanOrEqual(times(report, 'after effect', 'random'))
  }

  it('under a key on SQLite: nothing lost, no 200 before the work, twice only where a kill fell behind it', async () => {
    await keyed({ kind: 'sqlite', path: file() })
  })

  it.skipIf(!postgres)(
    'under a key on PostgreSQL: nothing lost, no 200 before the work, twice only where a kill fell behind it',
    async () => {
      const place = await (postgres as NonNullable<typeof postgres>).database()
      await keyed({ kind: 'postgres', url: place.url })
      await place.drop()
    },
  )

  it.skipIf(!redis)(
    'under a key in Redis: nothing lost, no 200 before the work, twice only where a kill fell behind it',
    async () => {
      const { url } = redis as NonNullable<typeof redis>
      const prefix = `hooks-crashes:${randomBytes(6).toString('hex')}:`
      await keyed({ kind: 'redis', url, prefix, path: file() })
      const client = new Redis(url)
      for (const key of await client.keys(`${prefix}*`)) await client.del(key)
      client.disconnect()
    },
  )

  it('under a key in memory: nothing lost, no 200 before the work; what was done and not answered is done again', async () => {
    const report = await run('keyed', { kind: 'memory', path: file() })
    expect(report.repeated.length).toBeLessThanOrEqual(times(report, 'after effect', 'after completion', 'random'))
  })

  it.skipIf(ROUNDS > 0)('loses nothing where its lease is left to run out by itself', async () => {
    const { lost, early, unanswered, kills } = await play(
      stage,
      { mode: 'keyed', database: { kind: 'sqlite', path: file() } },
      { rounds: POINTS.keyed.indexOf('after claim') + 1, copies: 4, leaseMs: 2_000 },
    )
    expect({ lost, early, unanswered }).toEqual({ lost: [], early: [], unanswered: [] })
    expect(Object.values(kills).some((points) => points['after claim'])).toBe(true)
  })

  it.skipIf(ROUNDS > 0)('is seen to lie where it answers before the work is done', async () => {
    const plan = { mode: 'keyed', database: { kind: 'sqlite', path: file() }, isHasty: true } as const
    expect((await play(stage, plan, { rounds: 1, copies: 4 })).early).toContain('msg_0')
  })

  it('in the background, on SQLite: what was answered is handled, whatever is killed', async () => {
    const report = await run('background', { kind: 'sqlite', path: file() })
    expect(report.repeated.length).toBeLessThanOrEqual(times(report, 'after effect', 'random'))
  })

  it.skipIf(!postgres)(
    'in the background, on PostgreSQL: what was answered is handled, whatever is killed',
    async () => {
      const place = await (postgres as NonNullable<typeof postgres>).database()
      const report = await run('background', { kind: 'postgres', url: place.url })
      expect(report.repeated.length).toBeLessThanOrEqual(times(report, 'after effect', 'random'))
      await place.drop()
    },
  )
})
