import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { type SqliteHandle, sqliteStorage } from '../src/index.ts'
import { startChild } from './child.ts'
import { drivers } from './drivers.ts'
import { freshPath } from './place.ts'
import { newEndpoint, send } from './tour.ts'

const driver = drivers.libsql as NonNullable<(typeof drivers)[string]>

const settledBy = (lines: readonly string[]) =>
  lines.filter((line) => line.startsWith('settled ')).map((line) => line.split(' ')[1])

/** Several processes on one file. */
describe('processes', () => {
  it('two that claim from one file never have the same delivery', async () => {
    const path = freshPath()
    const storage = sqliteStorage(path, { driver, logger: silentLogger })
    for (const id of ['e1', 'e2', 'e3']) await storage.endpoints.create(newEndpoint(id), 10)
    for (const [i, id] of ['e1', 'e2', 'e3'].entries()) await send(storage, id, 500, 1 + i * 500)
    const children = await Promise.all([
      startChild('work', path, 'a', 7, 60_000, 'meet'),
      startChild('work', path, 'b', 11, 60_000, 'meet'),
    ])
    // Neither goes on before both have claimed: however late one of them came, they work at once.
    await Promise.all(children.map((child) => child.printed('claimed ')))
    for (const child of children) child.goOn()
    await Promise.all(children.map(({ over }) => over))
    const settled = children.map(({ lines }) => settledBy(lines))
    for (const ids of settled) expect(ids.length).toBeGreaterThan(0)
    expect([settled.flat().length, new Set(settled.flat()).size]).toEqual([1_500, 1_500])
    expect(await storage.history.stats({ tenant: 'acme' })).toMatchObject({ delivered: 1_500, pending: 0, sending: 0 })
    await storage.close()
  }, 60_000)

  it('four that claim from an endpoint with a rate keep it together, to 5 %', async () => {
    const path = freshPath()
    const storage = sqliteStorage(path, { driver, logger: silentLogger })
    const perSecond = 40
    await storage.endpoints.create(newEndpoint('e1', { settings: { perSecond } }), 10)
    await send(storage, 'e1', 1_000)
    const children = await Promise.all(['a', 'b', 'c', 'd'].map((name) => startChild('claim-for', path, name, 3_000)))
    await Promise.all(children.map(({ over }) => over))
    const claimed = children.flatMap(({ lines }) => lines.filter((line) => line.startsWith('claimed ')))
    const times = claimed.map((line) => Number(line.split(' ')[2])).sort((a, b) => a - b)
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000
    expect(new Set(claimed.map((line) => line.split(' ')[1])).size).toBe(claimed.length)
    // What is free when the time begins and when it ends is in it as well.
    expect(claimed.length).toBeLessThanOrEqual(perSecond * seconds * 1.05 + 2)
    expect(claimed.length).toBeGreaterThan(perSecond)
    await storage.close()
  }, 60_000)

  it('several that make the tables at once make them once', async () => {
    const path = freshPath()
    const children = await Promise.all(Array.from({ length: 4 }, (_, n) => startChild('work', path, `w${n}`)))
    await Promise.all(children.map(({ over }) => over))
    const storage = sqliteStorage(path, { driver, logger: silentLogger, migrate: false })
    expect(await storage.schema.check()).toMatchObject({ version: 2, expected: 2 })
    await storage.close()
  }, 60_000)

  it('one that is killed while it claims and settles leaves a sound database, and loses nothing that it was told', async () => {
    const path = freshPath()
    const storage = sqliteStorage(path, { driver, logger: silentLogger })
    await storage.endpoints.create(newEndpoint('e1'), 10)
    await storage.endpoints.create(newEndpoint('e2'), 10)
    await send(storage, 'e1', 1_500)
    await send(storage, 'e2', 1_500, 1_501)
    const told = new Set<string>()
    let killed = 0
    for (let round = 0; round < 8; round++) {
      const child = await startChild('work', path, `w${round}`, 3, 200)
      await child.printed('settled')
      await sleep(round * 7)
      child.kill()
      await child.over
      killed++
      for (const id of settledBy(child.lines)) told.add(id ?? '')
      expect(faults(new driver(path))).toEqual([])
    }
    expect(killed).toBe(8)
    expect(told.size).toBeGreaterThan(8)
    expect((await storage.depth()).open).toBeGreaterThan(0)
    for (const id of told) expect(await storage.history.delivery('acme', id)).toMatchObject({ state: 'delivered' })

    await sleep(250)
    await (await startChild('work', path, 'last', 200)).over
    expect(await storage.history.stats({ tenant: 'acme' })).toMatchObject({ delivered: 3_000 })
    expect(await storage.depth()).toMatchObject({ open: 0, due: 0 })
    expect(await storage.nextDueInMs()).toBe(null)
    expect(faults(new driver(path))).toEqual([])
    await storage.close()
  }, 120_000)
})

/** What in a database contradicts itself. */
function faults(db: SqliteHandle): unknown[] {
  const none = (name: string, sql: string) => {
    const rows = db.prepare(sql).all()
    return rows.length === 0 ? [] : [{ name, rows }]
  }
  const found = [
    ...none('corrupt', `select * from pragma_integrity_check where integrity_check <> 'ok'`),
    ...none(
      'open and ended at once',
      `select o.id from hooks_open o left join hooks_delivery d on d.id = o.id where d.id is null or d.state is not null`,
    ),
    ...none(
      'neither open nor ended',
      `select id from hooks_delivery d where state is null and id not in (select id from hooks_open)`,
    ),
    ...none(
      'ended without its attempts',
      `select d.id from hooks_delivery d where d.state is not null and d.attempts <> (
      select count(*) from hooks_attempt a where a.delivery_id = d.id and a.error is not 'lost')`,
    ),
    ...none('leased without a token', `select id from hooks_open where leased <> (token is not null)`),
    ...none(
      'asleep with open deliveries',
      `select * from hooks_lane l where ready_at is null
      and exists (select 1 from hooks_open o where o.endpoint_id = l.endpoint_id)`,
    ),
  ]
  db.close()
  return found
}
