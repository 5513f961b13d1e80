import { silentLogger } from '@hooks/core'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { freshPath } from './place.ts'
import { recordingDriver } from './recorder.ts'
import { tour } from './tour.ts'

/** What may be walked through: parameters, and results of a search. */
const HARMLESS = /^SCAN (\w+ VIRTUAL TABLE|(ready|e)$|\(subquery)/

/** Statements that walk through a table, and why they may. */
const ALLOWED: readonly (readonly [RegExp, string])[] = [
  [/from hooks_open\s*$/, 'depth counts everything that is open'],
  [
    /from\s+hooks_open o\s+cross join[\s\S]*where d\.tenant = \?/,
    'retiring all of a tenant walks through what is open',
  ],
]

describe('query plans', () => {
  it('search, and never walk through a table', async () => {
    const path = freshPath()
    const statements = new Set<string>()
    const storage = sqliteStorage(path, { driver: recordingDriver(statements), logger: silentLogger })
    await tour(storage)
    await storage.close()
    const db = new Libsql(path)
    const plans = [...statements]
      .filter((sql) => !/PRAGMA|sqlite_master/.test(sql))
      .map((sql) => ({
        sql: sql.trim(),
        steps: (db.prepare(`explain query plan ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail),
      }))
    db.close()
    expect(plans.length).toBeGreaterThan(50)
    const walking = plans
      .filter(({ sql }) => !ALLOWED.some(([pattern]) => pattern.test(sql)))
      .filter(({ steps }) => steps.some((step) => step.startsWith('SCAN') && !HARMLESS.test(step)))
    expect(walking).toEqual([])
  })

  it('of a claim sort nothing but the lanes that it has found', async () => {
    const path = freshPath()
    const statements = new Set<string>()
    const storage = sqliteStorage(path, { driver: recordingDriver(statements), logger: silentLogger })
    statements.clear()
    await tour(storage)
    await storage.close()
    const db = new Libsql(path)
    for (const part of ['as flying', 'o.claimed_at', 'as waiting_at', 'set due_at = ?, leased = 1', 'set ready_at'])
      for (const sql of [...statements].filter((text) => text.includes(part))) {
        const steps = (db.prepare(`explain query plan ${sql}`).all() as { detail: string }[]).map(
          ({ detail }) => detail,
        )
        const sorts = steps.filter((step) => step.includes('TEMP B-TREE'))
        expect([part, sorts.length]).toEqual([part, part === 'as flying' ? 1 : 0])
      }
    db.close()
  })
})

/** How many rows a claim's virtual machine touches is not to be had; how long it takes is, roughly. */
describe('the cost of a claim', () => {
  it('does not depend on what is ended, what waits, or what is held', async () => {
    const path = freshPath()
    const storage = sqliteStorage(path, { driver: Libsql, logger: silentLogger })
    const db = new Libsql(path)
    fill(db, 'small', 200)
    const small = await medianOfClaims(storage)
    fill(db, 'large', 100_000)
    const large = await medianOfClaims(storage)
    db.close()
    await storage.close()
    // Two hundred times the rows; a walk through any of them would be far beyond this.
    expect(large).toBeLessThan(small * 5 + 5)
  }, 60_000)
})

type Handle = InstanceType<typeof Libsql>

/** `count` rows each of: ended deliveries, retries that are far off, due rows of a held endpoint, due rows of an endpoint that is ready. */
function fill(db: Handle, name: string, count: number): void {
  db.exec(`
    begin;
    insert into hooks_message (id, tenant, type, occurred_at, created_at) values ('m-${name}', 'acme', 'a', 0, 0);
    insert into hooks_payload (seq, created_at, data) select seq, 0, '{}' from hooks_message where id = 'm-${name}';
    insert into hooks_endpoint (id, tenant, url, state, metadata, secrets, settings, rev, created_at, updated_at)
      select kind || '-${name}', 'acme', 'https://example.com', 'enabled', '{}', '[]', '{}', 1, 0, 0
      from (select 'ended' as kind union all select 'later' union all select 'held' union all select 'ready');
    insert into hooks_lane (endpoint_id, held_until, ready_at)
      select e.id, iif(e.id like 'held%', 8640000000000000, 0), iif(e.id like 'ready%', 1, iif(e.id like 'later%', 8640000000000000, null))
      from hooks_endpoint e where e.id like '%-${name}';
    create temp table row as with recursive r(i) as (select 1 union all select i + 1 from r where i < ${count}) select i from r;
    insert into hooks_delivery (id, tenant, endpoint_id, message_seq, created_at, state, attempts, finished_at)
      select e.id || printf('-%08d', i), 'acme', e.id, m.seq, 0, iif(e.id like 'ended%', 'delivered', null), 0, iif(e.id like 'ended%', i, null)
      from hooks_endpoint e, row, hooks_message m where e.id like '%-${name}' and m.id = 'm-${name}';
    insert into hooks_open (id, endpoint_id, message_seq, due_at, since)
      select id, endpoint_id, message_seq, iif(endpoint_id like 'later%', 8640000000000000, 1), 0
      from hooks_delivery where endpoint_id like '%-${name}' and state is null;
    drop table row;
    commit`)
}

async function medianOfClaims(storage: ReturnType<typeof sqliteStorage>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 25; i++) {
    const start = performance.now()
    const leases = await storage.claim({ worker: 'w', limit: 4, leaseMs: 60_000, cap: 1_000 })
    times.push(performance.now() - start)
    expect(leases.length).toBe(4)
    await storage.release(leases)
  }
  return times.sort((a, b) => a - b)[12] ?? 0
}
