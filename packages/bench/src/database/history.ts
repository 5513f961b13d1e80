import { type Clock, type NewEndpoint, newId, systemClock, systemRandom } from '@hooks/core'
import { postgresStorage } from '@hooks/postgres'
import { type Cost, type Counted, openCounted } from 'tooling/counted-postgres'
import { type Figures, verdict } from '../report.ts'
import { type BenchStorage, deliverRounds, newEndpoint, sendToAll } from './open-deliveries.ts'

const TENANTS = 10
/** Of each tenant. */
const ENDPOINTS = 10
const DELIVERIES = 10_000
const LIMIT = 100
const MOST = 1.1
const WEEK_MS = 7 * 86_400_000
/** Ninety days are kept. */
const WEEKS = 13
const AT_ONCE = 20_000

/**
 * `pnpm bench --history 10000000`: what a delivery costs, from its send to its end in the log, with an empty history, and with so
 * many that ended in the last thirteen weeks. Pages and bytes of the write-ahead log are the same on every machine. It takes minutes
 * to fill the tables.
 */
export async function historyCosts(rows: number): Promise<Figures> {
  const empty = await costAfter(0)
  const full = await costAfter(rows)
  if (!empty || !full) return { text: 'no PostgreSQL', good: false }
  const each = ({ pages, walBytes }: Cost) =>
    `${(pages / DELIVERIES).toFixed(1)} pages and ${(walBytes / DELIVERIES).toFixed(0)} bytes of log`
  const most = Math.max(full.pages / empty.pages, full.walBytes / empty.walBytes)
  const lines = [
    'a delivery, from its send to its end',
    `  with an empty history: ${each(empty)}`,
    `  after ${rows} others: ${each(full)}: ${(full.pages / empty.pages).toFixed(3)} and ${(full.walBytes / empty.walBytes).toFixed(3)} times`,
    `  target: at most ${MOST} times: ${verdict(most, MOST)}`,
  ]
  return { text: lines.join('\n'), good: most <= MOST }
}

async function costAfter(rows: number): Promise<Cost | undefined> {
  const place = await openCounted(2)
  if (!place) return undefined
  try {
    const storage = postgresStorage(place.pool, { migrate: true })
    const endpoints = Array.from({ length: TENANTS * ENDPOINTS }, (_, i) => newEndpoint(`tenant${i % TENANTS}`))
    for (const endpoint of endpoints) await storage.endpoints.create(endpoint, ENDPOINTS)
    const ids = new Map<string, string[]>()
    for (const { tenant, id } of endpoints) ids.set(tenant, [...(ids.get(tenant) ?? []), id])
    await fillHistory(place, endpoints, rows)
    await place.pool.query('vacuum analyze')
    await place.pool.query('checkpoint')
    // The first change of a page after a checkpoint logs all of it. Those that are in use are in the log then.
    await deliver(storage, ids)
    return await place.costOf(() => deliver(storage, ids))
  } finally {
    await place.close()
  }
}

/** Ten messages of each tenant at a time, each for all endpoints of it, delivered by ten claims. */
async function deliver(storage: BenchStorage, endpoints: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const atOnce = 10 * TENANTS * ENDPOINTS
  for (let left = DELIVERIES; left > 0; left -= atOnce) {
    for (const [tenant, theirs] of endpoints) await sendToAll(storage, tenant, theirs, 10)
    await deliverRounds(storage, atOnce / LIMIT, LIMIT)
  }
}

/** Messages of the last weeks, each delivered to one of the endpoints at the first attempt, in the order of time. */
async function fillHistory({ pool }: Counted, endpoints: readonly NewEndpoint[], rows: number): Promise<void> {
  const now = systemClock.now().getTime()
  const thisWeek = Math.floor(now / WEEK_MS)
  for (let week = thisWeek - WEEKS; week < thisWeek - 1; week++)
    for (const parent of ['message', 'payload', 'ended', 'attempt'])
      await pool.query(`create table hooks.${parent}_w${week} partition of hooks.${parent} for values in (${week})`)
  for (let done = 0; done < rows; done += AT_ONCE) {
    const at = now - WEEKS * WEEK_MS * (1 - done / rows) + 60_000
    // Ids of the same ms: what follows the time is theirs, and of their own make.
    const clock: Clock = { ...systemClock, now: () => new Date(at) }
    const time = newId('', clock, systemRandom).slice(0, 11)
    await pool.query(FILL, [
      Math.floor(at / WEEK_MS),
      time,
      new Date(at),
      endpoints.map(({ id }) => id),
      endpoints.map(({ tenant }) => tenant),
      Math.min(AT_ONCE, rows - done),
    ])
  }
}

const FILL = `
  with given as (
    select 'msg_' || $2::text || substr(md5(i || $2), 1, 15) as message, 'dlv_' || $2 || substr(md5($2 || i), 1, 15) as delivery,
      ($4::text[])[1 + i % array_length($4::text[], 1)] as endpoint, ($5::text[])[1 + i % array_length($4::text[], 1)] as tenant
    from generate_series(1, $6::int) i
  ),
  messages as (
    insert into hooks.message (week, id, tenant, type, occurred_at, created_at)
    select $1::int, message, tenant, 'order.paid', $3::timestamptz, $3 from given),
  payloads as (insert into hooks.payload (week, id, created_at, data) select $1::int, message, $3, '{}' from given)
  insert into hooks.ended (week, id, tenant, endpoint_id, message_id, message_week, type, state, attempts, created_at, finished_at,
    last_at, last_ms, last_status, last_manual)
  select $1::int, delivery, tenant, endpoint, message, $1::int, 'order.paid', 'delivered', 1, $3, $3, $3, 1, 204, false from given`
