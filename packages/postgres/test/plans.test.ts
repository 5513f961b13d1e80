import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { byHand, hotPath, id, newMessage } from './tour.ts'

/** A statement as it was run, or as it is explained. */
interface Ran {
  readonly text: string
  readonly parameters: readonly (string | null)[]
}

/** A node of a plan. */
interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly Plans?: readonly Plan[]
}

/** How many rows a node of a plan that was run has had in hand. */
const lookedAt = (node: Plan): number =>
  (node['Actual Loops'] ?? 0) *
  ((node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0))

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

describe.skipIf(!server)('query plans', () => {
  let drop: () => Promise<void>
  let pool: pg.Pool
  const ran: Ran[] = []
  const filled = new Set<string>()
  const record = (text: string, parameters: (string | null)[]) => {
    if (!/^\s*do \$|hooks\.meta|to_regclass/.test(text) || /meta as/.test(text)) ran.push({ text, parameters })
    return pool.query(text, parameters)
  }

  beforeAll(async () => {
    const database = await (server as NonNullable<typeof server>).database()
    drop = database.drop
    pool = new pg.Pool({ connectionString: database.url })
    const storage = postgresStorage(pool)
    await storage.schema.migrate()
    await fill(pool, 20_000)
    const { rows } = await pool.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'hooks'::regnamespace and reltuples > 1000`,
    )
    for (const { name } of rows) filled.add(name)
    expect(filled.size).toBeGreaterThan(8)
  }, 120_000)

  afterAll(async () => {
    await pool?.end()
    await drop?.()
  }, 60_000)

  const explain = async ({ text, parameters }: Ran): Promise<Plan[]> => {
    const { rows } = await pool.query(`explain (format json) ${text}`, [...parameters])
    return nodesOf(rows[0]['QUERY PLAN'][0].Plan)
  }

  /** The plan that a connection keeps for a prepared statement, whatever its parameters. */
  const explainPrepared = async ({ text, parameters }: Ran): Promise<Plan[]> => {
    const client = await pool.connect()
    const values = parameters.map((value) => (value === null ? 'null' : client.escapeLiteral(value)))
    await client.query('set plan_cache_mode = force_generic_plan')
    await client.query(`prepare one as ${text}`)
    const { rows } = await client.query(`explain (format json) execute one${values.length ? `(${values})` : ''}`)
    await client.query('deallocate one')
    await client.query('reset plan_cache_mode')
    client.release()
    return nodesOf(rows[0]['QUERY PLAN'][0].Plan)
  }

  /** What walks through a table that is not empty. */
  const walked = async (statements: readonly Ran[], explained = explain) => {
    const found: string[] = []
    for (const one of statements) {
      const nodes = await explained(one)
      const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan' && filled.has(node['Relation Name'] ?? ''))
      if (scans.length > 0) found.push(`${scans.map((node) => node['Relation Name']).join(', ')}: ${one.text.trim()}`)
    }
    return found
  }

  it('of the hot path search, and walk through no table', { timeout: 120_000 }, async () => {
    ran.length = 0
    await hotPath(postgresStorage(record))
    const texts = new Map(ran.map((one) => [one.text, one]))
    expect(texts.size).toBeGreaterThan(14)
    expect(await walked([...texts.values()])).toEqual([])
  })

  /** What the statements inside of functions do on the hot path, where it is no search. */
  const walkedInside = async (client: pg.PoolClient): Promise<string[]> => {
    const { rows } = await client.query<{ index: string; column: string }>(
      `select indexrelid::regclass::text as index, pg_get_indexdef(indexrelid, 1, true) as column from pg_index`,
    )
    const first = new Map(rows.map(({ index, column }) => [index.replace(/^hooks\./, ''), column]))
    const plans: { readonly 'Query Text': string; readonly Plan: Plan }[] = []
    client.on('notice', ({ message = '' }) => {
      if (message.includes('plan:')) plans.push(JSON.parse(message.slice(message.indexOf('{'))))
    })
    for (const statement of [
      "load 'auto_explain'",
      'set auto_explain.log_min_duration = 0',
      'set auto_explain.log_nested_statements = on',
      'set auto_explain.log_format = json',
      'set auto_explain.log_level = notice',
    ])
      await client.query(statement)
    await hotPath(postgresStorage(client))
    client.release(true)
    const inside = plans.filter((one) => /\bp_[a-z]/.test(one['Query Text']))
    expect(inside.length).toBeGreaterThan(10)
    // Told not to walk through tables, the planner could walk through all of an index instead.
    const begins = ({ 'Index Name': index = '', 'Index Cond': condition = '' }: Plan) =>
      new RegExp(`\\(${first.get(index)} (=|<=|>=|<|>) `).test(condition)
    return inside.flatMap((one) =>
      nodesOf(one.Plan)
        .filter(
          (node) => node['Relation Name'] !== undefined && /^(Seq|Index|Index Only) Scan$/.test(node['Node Type']),
        )
        .filter((node) => !begins(node))
        .map((node) => `${node['Node Type']} on ${node['Relation Name']}: ${one['Query Text'].trim()}`),
    )
  }

  it('of the functions on the hot path search too, in all of their statements', { timeout: 120_000 }, async () => {
    expect(await walkedInside(await pool.connect())).toEqual([])
  })

  it('of the functions search even where they were made for empty tables, and are kept when those fill', {
    timeout: 120_000,
  }, async () => {
    const { url, drop: dropEmpty } = await (server as NonNullable<typeof server>).database()
    const empty = new pg.Pool({ connectionString: url })
    await postgresStorage(empty).schema.migrate()
    expect(await walkedInside(await empty.connect())).toEqual([])
    // As autovacuum does when all is delivered.
    await empty.query('delete from hooks.open; delete from hooks.outbox; delete from hooks.lane')
    await empty.query('vacuum analyze')
    expect(await walkedInside(await empty.connect())).toEqual([])
    await empty.end()
    await dropEmpty()
  })

  it('of a message to very many endpoints look at each of them a few times, and do not compare them with each other', {
    timeout: 120_000,
  }, async () => {
    const storage = postgresStorage(pool)
    const message = newMessage({ tenant: 'many' })
    await storage.put([message])
    await pool.query(`
      insert into hooks.endpoint (id, tenant, url, state, metadata, secrets, settings, rev, created_at, updated_at)
        select 'many_' || i, 'many', 'https://example.com', 'enabled', '{}', '[]', '{}', 1, now(), now() from generate_series(1, 1000) i;
      insert into hooks.lane (endpoint_id, tenant) select 'many_' || i, 'many' from generate_series(1, 1000) i`)
    const client = await pool.connect()
    const looks: number[] = []
    client.on('notice', ({ message = '' }) => {
      if (!message.includes('plan:')) return
      for (const node of nodesOf(JSON.parse(message.slice(message.indexOf('{'))).Plan)) looks.push(lookedAt(node))
    })
    for (const statement of [
      "load 'auto_explain'",
      'set auto_explain.log_min_duration = 0',
      'set auto_explain.log_nested_statements = on',
      'set auto_explain.log_analyze = on',
      'set auto_explain.log_format = json',
      'set auto_explain.log_level = notice',
    ])
      await client.query(statement)
    const deliveries = Array.from({ length: 1_000 }, (_, i) => ({ id: id('dlv_'), endpointId: `many_${i + 1}` }))
    await postgresStorage(client).expand([{ messageId: message.id, deliveries }])
    client.release(true)
    expect(await storage.history.stats({ tenant: 'many' })).toMatchObject({ pending: 1_000 })
    expect(looks.length).toBeGreaterThan(10)
    expect(Math.max(...looks)).toBeLessThan(5_000)
  })

  it('of the hot path that are kept for all parameters search too', { timeout: 120_000 }, async () => {
    ran.length = 0
    await hotPath(postgresStorage(record))
    const texts = new Map(ran.map((one) => [one.text, one]))
    expect(texts.size).toBeGreaterThan(14)
    expect(await walked([...texts.values()], explainPrepared)).toEqual([])
  })

  it('of what people do search too', { timeout: 120_000 }, async () => {
    ran.length = 0
    await byHand(postgresStorage(record))
    const texts = new Map(ran.map((one) => [one.text, one]))
    expect(texts.size).toBeGreaterThan(12)
    expect(await walked([...texts.values()])).toEqual([])
  })

  it('of a statement that knows its messages look at no partition but theirs', { timeout: 60_000 }, async () => {
    ran.length = 0
    await hotPath(postgresStorage(record))
    const reads = ran.filter(({ text }) => /cross join lateral \(\s*select m\.\*\s*from hooks\.message m/.test(text))
    expect(reads.length).toBeGreaterThan(0)
    for (const one of reads) {
      const nodes = await explain(one)
      const partitions = new Set(nodes.flatMap((node) => node['Relation Name'] ?? []))
      // A week of messages, or two, their payloads, and the marks.
      expect(partitions.size).toBeLessThanOrEqual(5)
    }
  })
})

/** Rows of every kind: open ones that are due, that wait and that are held, ended ones, marks. */
async function fill(pool: pg.Pool, count: number): Promise<void> {
  const week = Math.floor(Date.now() / 604_800_000)
  await pool.query(`
    insert into hooks.endpoint (id, tenant, url, state, metadata, secrets, settings, rev, created_at, updated_at)
      select 'ep_' || i, 't' || i, 'https://example.com', 'enabled', '{}', '[]', '{}', 1, now(), now() from generate_series(1, ${count}) i;
    insert into hooks.lane (endpoint_id, tenant, open, ready_at, waiting_from)
      select 'ep_' || i, 't' || i, 1, case when i % 3 = 0 then now() + interval '1 day' when i % 3 = 1 then now() end, '-infinity'
      from generate_series(1, ${count}) i;
    insert into hooks.message (week, id, tenant, type, occurred_at, created_at)
      select ${week}, 'msg_' || i, 't' || i % ${count}, 'a', now(), now() from generate_series(1, ${count}) i;
    insert into hooks.payload (week, id, created_at, data) select ${week}, 'msg_' || i, now(), '{}' from generate_series(1, ${count}) i;
    insert into hooks.outbox (id, week, tenant, type, occurred_at, due_at)
      select 'msg_' || i, ${week}, 't' || i % ${count}, 'a', now(), now() + interval '1 day' from generate_series(1, ${count}) i;
    insert into hooks.open (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, due_at, since)
      select 'dlv_' || i, ${week}, 't' || i % ${count}, 'ep_' || i, 'msg_' || i, ${week}, 'a', now(), now(), now() + interval '1 day', now()
      from generate_series(1, ${count}) i;
    insert into hooks.ended (week, id, tenant, endpoint_id, message_id, message_week, type, state, attempts, created_at, finished_at, last_at, last_ms, last_manual)
      select ${week}, 'old_' || i, 't' || i % ${count}, 'ep_' || i, 'msg_' || i, ${week}, 'a', 'delivered', 2, now(), now(), now(), 1, false
      from generate_series(1, ${count}) i;
    insert into hooks.attempt (week, delivery_id, n, at, ms, manual, logged_at)
      select ${week}, 'old_' || i, 1, now(), 1, false, now() from generate_series(1, ${count}) i;
    insert into hooks.idempotency (tenant, key, message_id, digest, expires_at)
      select 't', 'key_' || i, 'msg_' || i, '', now() from generate_series(1, ${count}) i;
    insert into hooks.job (id, tenant, kind, params, state, progress, created_at, updated_at, finished_at)
      select 'job_' || i, 't', 'a', '{}', 'done', '{}', now(), now(), now() from generate_series(1, 5000) i;
    insert into hooks.tenant (tenant, endpoints) select 't' || i, 1 from generate_series(1, ${count}) i`)
  await pool.query('analyze')
}
