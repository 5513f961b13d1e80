import type { Retirement, Revival, Selector } from '@hooks/core'
import type { Database } from './database.ts'
import { union } from './history.ts'
import { untilUnraced } from './rounds.ts'
import type { Numeric } from './rows.ts'
import { createParameters, openCondition } from './selector.ts'
import {
  advancedOrders,
  ENDED_COLUMNS,
  each,
  KEPT_COLUMNS,
  LAST_ATTEMPT_COLUMNS,
  lockedLanes,
  movedLanes,
  NOW,
} from './sql/fragments.ts'
import { encodeText } from './text.ts'

/** {@link Deliveries.retire}. */
export async function retire(db: Database, selector: Selector, to: Retirement, limit: number): Promise<number> {
  let retired = 0
  await untilUnraced([selector], async (selectors) => {
    const { n, raced } = await retireSome(db, selector, to, limit - retired)
    retired += n
    return raced > 0 && retired < limit ? selectors : []
  })
  return retired
}

/**
 * Ends some. What has an ordering key and is of a lane that is raced is left open, and counted. What an endpoint that is gone
 * has left has no lane that could be locked, and nobody else is at it.
 */
async function retireSome(db: Database, selector: Selector, to: Retirement, limit: number) {
  const parameters = createParameters()
  const condition = openCondition(selector, parameters, 'any')
  const inFlightToo = selector.states?.includes('sending') ?? false
  const mayEnd = inFlightToo ? 'true' : `(not o.leased or o.leased_until <= ${NOW})`
  const [row] = await db.run<{ n: Numeric; raced: Numeric }>(
    `with chosen as materialized (
      select o.id, o.endpoint_id, o.ordering_key from hooks.open o where ${condition} and ${mayEnd} limit ${parameters.add(limit)}::text::int
    ),
    ${lockedLanes('chosen')},
    closed as (
      delete from hooks.open o
      using chosen c
      left join locked l on l.endpoint_id = c.endpoint_id
      where ${each('o.id', 'c.id')} and ${mayEnd}
        and (c.ordering_key is null or c.endpoint_id not in (select endpoint_id from raced))
      returning o.*
    ),
    history as (
      insert into hooks.ended (${ENDED_COLUMNS})
      select ${KEPT_COLUMNS}, ${parameters.add(to.state)}::text,
        ${parameters.add(encodeText(to.reason))}::text, attempts, ${NOW}
      from closed
    ),
    ${advancedOrders('closed')},
    delta as (
      select endpoint_id, 0 as place, -count(*)::int as open, -(count(*) filter (where leased))::int as leased,
        least('infinity', (select min(a.due_at) from advanced a where a.endpoint_id = c.endpoint_id)) as waiting_from,
        bool_or(leased) as freed
      from closed c
      group by endpoint_id
    ),
    ${movedLanes()}
    select (select count(*) from closed)::int as n,
      (select count(*) from chosen c where c.ordering_key is not null and c.endpoint_id in (select endpoint_id from raced))::int as raced`,
    parameters.values,
  )
  return { n: Number(row?.n), raced: Number(row?.raced) }
}

/** {@link Deliveries.revive}. `limit` is how many it looks at. */
export async function revive(
  db: Database,
  selector: Selector,
  limit: number,
  cursor = '',
  dryRun = false,
): Promise<Revival> {
  interface Row {
    readonly raced: Numeric
    readonly revived: Numeric
    readonly flying: Numeric
    readonly expired: Numeric
    readonly blocked: Numeric
    readonly next: string | null
  }
  const parameters = createParameters()
  const after = parameters.add(cursor)
  const most = parameters.add(limit)
  const page = union(
    selector,
    parameters,
    (table, condition) =>
      `select ${table}.id, ${table}.week, ${table}.tenant, ${table}.endpoint_id, ${table}.message_id, ${table}.message_week,
        ${table === 'o'} as is_open, ${table === 'o' ? 'case when o.waits then o.ordering_key end' : 'null::text'} as ordering_key,
        ${table === 'o' ? `(o.leased and o.leased_until > ${NOW})` : 'false'} as in_flight
      from hooks.${table === 'o' ? 'open o' : 'ended d'}
      where ${condition} and ${table}.id > ${after}::text
      order by ${table}.id limit ${most}::text::int + 1`,
    `order by id limit ${most}::text::int + 1`,
  )
  const statement = `
    with page as materialized (${page}),
    judged as materialized (
      select p.*,
        case
          when p.in_flight then 'flying'
          when not exists (select 1 from hooks.payload y where y.id = p.message_id and y.week = p.message_week offset 0) then 'expired'
          when not exists (select 1 from hooks.endpoint e where e.id = p.endpoint_id and e.state = 'enabled' offset 0) then 'blocked'
          else 'revived'
        end as fate
      from (select * from page order by id limit ${most}::text::int) p
    ),
    chosen as (
      select *, (row_number() over (order by id))::int as place from judged where fate = 'revived' and not ${dryRun}
    ),
    ${lockedLanes('chosen')},
    waiting as (
      select o.id, o.endpoint_id, o.leased, c.place, c.ordering_key
      from hooks.open o
      join chosen c on c.id = o.id and c.is_open
      join locked l on l.endpoint_id = c.endpoint_id
      where (not o.leased or o.leased_until <= ${NOW})
        and (c.ordering_key is null or c.endpoint_id not in (select endpoint_id from raced))
      for update of o
    ),
    restarted as (
      update hooks.open o
      set due_at = ${NOW}, leased = false, leased_until = null, token = null, worker = null, claimed_at = null, claims = 0,
        step = 0, since = ${NOW}, manual = true, waits = false,
        ordering_key = case when o.waits then null else o.ordering_key end
      from waiting w
      where o.id = w.id
    ),
    reopened as (
      delete from hooks.ended d
      using chosen c
      join locked l on l.endpoint_id = c.endpoint_id
      where not c.is_open and ${each('d.week', 'c.week')} and ${each('d.tenant', 'c.tenant')} and ${each('d.id', 'c.id')}
      returning d.*, c.place
    ),
    logged as (
      insert into hooks.attempt (
        week, delivery_id, n, at, ms, status, error, detail, response, response_headers, manual, logged_at)
      select week, id, attempts, ${LAST_ATTEMPT_COLUMNS}, finished_at
      from reopened
      where last_at is not null
    ),
    opened as (
      insert into hooks.open
        (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, variant, due_at, since, attempts,
          manual)
      select r.id, r.week, r.tenant, r.endpoint_id, r.message_id, r.message_week, r.type,
        (select m.occurred_at from hooks.message m
          where m.tenant = r.tenant and m.id = r.message_id and m.week = r.message_week),
        r.created_at, r.variant, ${NOW}, ${NOW}, r.attempts, true
      from reopened r
    ),
    ${advancedOrders('waiting')},
    delta as (
      select endpoint_id, min(place)::int as place, sum(open)::int as open, sum(leased)::int as leased,
        ${NOW} as waiting_from, bool_or(leased < 0) as freed
      from (
        select endpoint_id, place, 0 as open, -leased::int as leased from waiting
        union all
        select endpoint_id, place, 1, 0 from reopened
      ) r
      group by endpoint_id
    ),
    ${movedLanes()}
    select
      ${dryRun ? "count(*) filter (where fate = 'revived')" : '(select count(*) from waiting) + (select count(*) from reopened)'}::int as revived,
      (select count(*) from chosen c where c.ordering_key is not null and c.endpoint_id in (select endpoint_id from raced))::int as raced,
      (count(*) filter (where fate = 'flying'))::int as flying,
      (count(*) filter (where fate = 'expired'))::int as expired,
      (count(*) filter (where fate = 'blocked'))::int as blocked,
      case when (select count(*) from page) > ${most}::text::int then max(id) end as next
    from judged`
  let row!: Row
  await untilUnraced([selector], async (selectors) => {
    const rows = await db.run<Row>(statement, parameters.values)
    row = rows[0] as Row
    if (Number(row.raced) === 0) return []
    // Those that were revived are looked at again, and revived again: the last look counts them all.
    return selectors
  })
  const { revived, flying, expired, blocked, next } = row
  return {
    revived: Number(revived),
    inFlight: Number(flying),
    expired: Number(expired),
    blocked: Number(blocked),
    ...(next !== null && { next }),
  }
}
