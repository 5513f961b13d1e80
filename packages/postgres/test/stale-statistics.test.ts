import type { Storage } from '@hooks/core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresInbox, postgresInbox, postgresStorage } from '../src/index.ts'
import { weekOf } from '../src/week.ts'
import { server } from './servers.ts'
import { id, newEndpoint } from './tour.ts'

/** Messages: of each ten, six are of one tenant and three of another; the others are of a hundred tenants. */
const MESSAGES = 60_000
const [TENANT, OTHER] = ['initech', 'acme']
/** Of each tenant, as far as it has deliveries for so many. */
const ENDPOINTS = 3_000
/** What is read at a time. */
const CHUNK = 1_000
/** More than a call with a chunk has to look at, of which some rows are looked at twice, and far less than what a tenant has. */
const FEW = 5 * CHUNK

/** What the planner can know of the tables. */
const STATES: Readonly<
  Record<string, (pool: pg.Pool, fill: (from: number, to: number) => Promise<void>) => Promise<void>>
> = {
  'that nobody has analysed': async (_pool, fill) => fill(0, MESSAGES),
  'that were empty when they were analysed': async (pool, fill) => {
    await pool.query('vacuum analyze')
    await fill(0, MESSAGES)
  },
  'that had a hundredth of it when they were analysed': async (pool, fill) => {
    await fill(0, MESSAGES / 100)
    await pool.query('vacuum analyze')
    await fill(MESSAGES / 100, MESSAGES)
  },
  'that were analysed': async (pool, fill) => {
    await fill(0, MESSAGES)
    await pool.query('vacuum analyze')
  },
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Plan[]
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

/** How many rows a node of a plan that was run has had in hand. */
const lookedAt = (node: Plan): number =>
  node['Actual Loops'] *
  (node['Actual Rows'] +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0))

/** Ids of our make, which sort by their number: all of one week, which they tell. */
const stem = id('').slice(0, 11)
const week = weekOf(`${stem}${'0'.repeat(15)}`)
const idOf = (prefix: string, n: number): string => `${prefix}${stem}${String(n).padStart(15, '0')}`
const idIn = (prefix: string, n: string): string => `'${prefix}${stem}' || lpad((${n})::text, 15, '0')`

describe.skipIf(!server).each(Object.entries(STATES))('on tables %s', (_state, make) => {
  let drop: () => Promise<void>
  let pool: pg.Pool
  let client: pg.PoolClient
  let storage: Storage
  let inbox: PostgresInbox
  let plans: Plan[] = []

  beforeAll(async () => {
    const database = await (server as NonNullable<typeof server>).database()
    drop = database.drop
    pool = new pg.Pool({ connectionString: database.url })
    await postgresStorage(pool).schema.migrate()
    await postgresInbox(pool).schema.migrate()
    // Nothing is analysed but by this test.
    await pool.query(`do $$ declare t regclass; begin
      for t in select oid from pg_class where relnamespace = 'hooks'::regnamespace and relkind = 'r' loop
        execute format('alter table %s set (autovacuum_enabled = off)', t);
      end loop; end $$`)
    await make(pool, (from, to) => fill(pool, from, to))
    client = await pool.connect()
    client.on('notice', ({ message = '' }) => {
      if (message.includes('plan:')) plans.push(JSON.parse(message.slice(message.indexOf('{'))).Plan)
    })
    for (const statement of [
      "load 'auto_explain'",
      'set auto_explain.log_min_duration = 0',
      'set auto_explain.log_analyze = on',
      'set auto_explain.log_timing = off',
      'set auto_explain.log_format = json',
      'set auto_explain.log_level = notice',
      // What several workers look at, each for itself, would be counted as often.
      'set max_parallel_workers_per_gather = 0',
    ])
      await client.query(statement)
    storage = postgresStorage(client)
    inbox = postgresInbox(client)
  }, 180_000)

  afterAll(async () => {
    client?.release(true)
    await pool?.end()
    await drop?.()
  }, 60_000)

  /** What `work` gives, and the node of all its plans that has had the most rows in hand. It is undone. */
  async function cost<T>(work: () => Promise<T>): Promise<{ answer: T; most: number; where: string }> {
    await client.query('begin')
    plans = []
    const answer = await work()
    // The last of them is told of when its result is let go.
    await client.query('rollback')
    const nodes = plans.flatMap(nodesOf)
    const worst = nodes.reduce((one, other) => (lookedAt(other) > lookedAt(one) ? other : one))
    const { 'Node Type': type, 'Relation Name': table = '', 'Index Name': index = '' } = worst
    return { answer, most: lookedAt(worst), where: `${type} ${table}${index}` }
  }

  /** A message of the tenant, and an endpoint to which one delivery of it is open. */
  const ofTenant = async () => {
    const { rows } = await pool.query<{ id: string; message_id: string; endpoint_id: string }>(
      `select id, message_id, endpoint_id from hooks.open where tenant = $1 order by id offset 500 limit 1`,
      [TENANT],
    )
    return rows[0] as (typeof rows)[number]
  }

  it('expunging a message looks at what there is of it', async () => {
    const { message_id: message } = await ofTenant()
    const { answer, most, where } = await cost(() => storage.history.expunge({ tenant: TENANT, message }, CHUNK))
    expect(answer).toEqual({ removed: 4, more: false })
    expect(most, where).toBeLessThan(500)
  })

  it('expunging a tenant looks at no rows of others, and at each of its own a few times', async () => {
    const { answer, most, where } = await cost(() => storage.history.expunge({ tenant: 'small7' }, CHUNK))
    expect(answer).toEqual({ removed: 60 * 4 + 30, more: false })
    expect(most, where).toBeLessThan(1_000)
  })

  it('expunging a tenant that has very much does not look at it all for each chunk but to find the next messages', async () => {
    const { answer, most, where } = await cost(() => storage.history.expunge({ tenant: OTHER }, CHUNK))
    expect(answer).toEqual({ removed: CHUNK, more: true })
    expect(most, where).toBeLessThanOrEqual((MESSAGES * 3) / 10)
  })

  it('what is missing at an endpoint is found without comparing all with all', async () => {
    const { endpoint_id: endpoint } = await ofTenant()
    const { answer, most, where } = await cost(() =>
      storage.history.undelivered({ tenant: TENANT, endpoint }, { limit: 200 }),
    )
    expect(answer.data).toHaveLength(200)
    // All deliveries that there are may be looked at once, as may all messages.
    expect(most, where).toBeLessThanOrEqual(3 * MESSAGES)
  })

  it('adding deliveries looks for those that are there by their messages', async () => {
    const { endpoint_id: endpointId } = await ofTenant()
    const messages = Array.from({ length: 200 }, (_, i) => idOf('msg_', 30_000 + Math.floor(i / 6) * 10 + (i % 6)))
    const { answer, most, where } = await cost(() =>
      storage.add(messages.map((messageId) => ({ messageId, deliveries: [{ id: id('dlv_'), endpointId }] }))),
    )
    expect(answer).toBeGreaterThan(100)
    expect(most, where).toBeLessThan(FEW)
  })

  it('deliveries of a message are found by the message', async () => {
    const { message_id: message, endpoint_id: endpoint } = await ofTenant()
    const all = await cost(() => storage.history.deliveries({ tenant: TENANT, message }, { limit: 50 }))
    expect(all.answer.data).toHaveLength(3)
    expect(all.most, all.where).toBeLessThan(500)
    const one = await cost(() => storage.history.deliveries({ tenant: TENANT, message, endpoint }, { limit: 50 }))
    expect(one.answer.data).toHaveLength(1)
    expect(one.most, one.where).toBeLessThan(500)
    const retired = await cost(() =>
      storage.retire({ tenant: TENANT, message }, { state: 'cancelled', reason: 'by_hand' }, CHUNK),
    )
    expect(retired.answer).toBe(1)
    expect(retired.most, retired.where).toBeLessThan(500)
  })

  it('deliveries of an endpoint that have ended are found by the endpoint', async () => {
    const states = ['failed', 'skipped'] as const
    const listed = await cost(() =>
      storage.history.deliveries({ tenant: TENANT, endpoint: `ep_${TENANT}_few`, states }, { limit: 50 }),
    )
    expect(listed.answer.data).toHaveLength(50)
    expect(listed.most, listed.where).toBeLessThan(500)
    const revived = await cost(() => storage.revive({ tenant: TENANT, endpoint: `ep_${TENANT}_few`, states }, CHUNK))
    expect(revived.answer.revived).toBe(100)
    expect(revived.most, revived.where).toBeLessThan(500)
  })

  it('disabling an endpoint that has little open looks at no more, however much its tenant has', async () => {
    const selector = { tenant: TENANT, endpoint: `ep_${TENANT}_few` }
    const { answer, most, where } = await cost(() => storage.retire(selector, { state: 'skipped', reason: 'x' }, CHUNK))
    expect(answer).toBe(100)
    expect(most, where).toBeLessThan(500)
  })

  it('creating an endpoint looks at nothing that its tenant has open', async () => {
    const endpoint = newEndpoint({ tenant: TENANT })
    const { answer, most, where } = await cost(() => storage.endpoints.create(endpoint, 1_000_000))
    expect(answer).toBe('applied')
    expect(most, where).toBeLessThan(500)
  })

  it('messages are listed by their tenant, and their data by their ids', async () => {
    const { answer, most, where } = await cost(() => storage.history.messages({ tenant: OTHER }, { limit: 200 }))
    expect(answer.data).toHaveLength(200)
    // To find which, those of the tenant may be looked at.
    expect(most, where).toBeLessThanOrEqual((MESSAGES * 3) / 10)
  })

  it('forgetting a chunk of what has ended looks at the chunk, and at nothing that is open', async () => {
    const old = new Date(Date.now() - 3 * 86_400_000)
    const { answer, most, where } = await cost(() => storage.history.prune({ historyBefore: old }, CHUNK))
    expect(answer).toEqual({ removed: CHUNK, more: true })
    expect(most, where).toBeLessThan(FEW)
  })

  it('an inbox looks at the first that is due, and at those that are tried again', async () => {
    const next = await cost(() => inbox.nextDueInMs({ receiver: 'ours' }))
    expect(next.answer).toBe(0)
    expect(next.most, next.where).toBeLessThan(10)
    const keys = Array.from({ length: 100 }, (_, i) => `dead ${i}`)
    const again = await cost(() => inbox.retry(keys))
    expect(again.answer).toBe(100)
    expect(again.most, again.where).toBeLessThan(500)
  })
})

/** Of each message two deliveries that have ended and one that is open, each at another endpoint of its tenant, with an attempt and a key. */
async function fill(pool: pg.Pool, from: number, to: number): Promise<void> {
  const n = `generate_series(${from}, ${to - 1}) n`
  const tenant = `case when n % 10 < 6 then '${TENANT}' when n % 10 < 9 then '${OTHER}' else 'small' || n / 10 % 100 end`
  const endpoint = (k: string) => `'ep_' || ${tenant} || '_' || (n / 10 + ${k}) % ${ENDPOINTS}`
  const ago = `(now() - interval '6 days' + n * interval '5 seconds')`
  await pool.query(`
    insert into hooks.message (week, id, tenant, type, occurred_at, created_at, idempotency_key)
      select ${week}, ${idIn('msg_', 'n')}, ${tenant}, 'a', ${ago}, ${ago}, 'key ' || n from ${n};
    insert into hooks.payload (week, id, created_at, data) select ${week}, ${idIn('msg_', 'n')}, ${ago}, '{}' from ${n};
    insert into hooks.idempotency (tenant, key, message_id, digest, expires_at)
      select ${tenant}, 'key ' || n, ${idIn('msg_', 'n')}, '', now() + interval '1 day' from ${n};
    insert into hooks.ended (week, id, tenant, endpoint_id, message_id, message_week, type, state, attempts, created_at, finished_at,
        last_at, last_ms, last_manual)
      select ${week}, ${idIn('dlv_', '3 * n + k')}, ${tenant}, ${endpoint('k')}, ${idIn('msg_', 'n')}, ${week}, 'a', 'delivered', 2,
        ${ago}, ${ago}, ${ago}, 1, false
      from ${n}, generate_series(0, 1) k;
    insert into hooks.attempt (week, delivery_id, n, at, ms, manual, logged_at)
      select ${week}, ${idIn('dlv_', '3 * n + k')}, 1, ${ago}, 1, false, ${ago} from ${n}, generate_series(0, 1) k;
    insert into hooks.open (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, due_at, since)
      select ${idIn('dlv_', '3 * n + 2')}, ${week}, ${tenant}, ${endpoint('2')}, ${idIn('msg_', 'n')}, ${week}, 'a', ${ago}, ${ago},
        now() + interval '1 day', ${ago}
      from ${n};
    insert into hooks.endpoint (id, tenant, url, state, metadata, secrets, settings, rev, created_at, updated_at)
      select distinct endpoint_id, tenant, 'https://example.com', 'enabled', '{}', '[]', '{}', 1, now(), now() from hooks.open
      on conflict do nothing;
    insert into hooks.tenant (tenant, endpoints) select tenant, count(*) from hooks.endpoint group by 1 on conflict do nothing;
    insert into hooks.inbox (key, state, until_at, attempt, claims, keep_ms, method, url, headers, body, key_id, receiver, received_at)
      select state || ' ' || n, state, case when state = 'accepted' then now() - n * interval '1 ms' else now() + interval '1 day' end,
        1, 0, 1000, 'POST', '/', '[]', '', '0', 'ours', now()
      from ${n}, unnest(array['accepted', 'dead']) state;
    insert into hooks.lane (endpoint_id, tenant)
      select e.id, e.tenant from hooks.endpoint e where not exists (select 1 from hooks.lane l where l.endpoint_id = e.id)`)
  if (to < MESSAGES) return
  // One that has little, with the last messages of its tenant.
  const few = `ep_${TENANT}_few`
  const last = `(select n from generate_series(${MESSAGES - 1_000}, ${MESSAGES - 1}) n where n % 10 < 6 limit 200) n`
  await pool.query(`
    insert into hooks.endpoint (id, tenant, url, state, metadata, secrets, settings, rev, created_at, updated_at)
      values ('${few}', '${TENANT}', 'https://example.com', 'enabled', '{}', '[]', '{}', 1, now(), now());
    insert into hooks.lane (endpoint_id, tenant) values ('${few}', '${TENANT}');
    insert into hooks.open (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, due_at, since)
      select ${idIn('dlv_', `${4 * MESSAGES} + n`)}, ${week}, '${TENANT}', '${few}', ${idIn('msg_', 'n')}, ${week}, 'a', ${ago}, ${ago},
        now() + interval '1 day', ${ago}
      from ${last} where n % 2 = 0;
    insert into hooks.ended (week, id, tenant, endpoint_id, message_id, message_week, type, state, attempts, created_at, finished_at)
      select ${week}, ${idIn('dlv_', `${4 * MESSAGES} + n`)}, '${TENANT}', '${few}', ${idIn('msg_', 'n')}, ${week}, 'a', 'failed', 0,
        ${ago}, ${ago}
      from ${last} where n % 2 = 1;
    update hooks.lane l set open = o.n, waiting_from = '-infinity'
      from (select endpoint_id, count(*) as n from hooks.open group by 1) o where o.endpoint_id = l.endpoint_id`)
}
