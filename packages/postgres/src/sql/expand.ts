import { ENDED_COLUMNS, list, lockedLanes, MOVED_LANES, NOW } from './fragments.ts'

/** Marks that are due, oldest first. $1 how many, $2 the due time, in s, from which on to look. `low` is the first of them. */
export const DUE_MARKS = `
  with due as (
    select x.id, x.week, x.tenant, x.due_at
    from hooks.outbox x
    where x.due_at <= ${NOW} and x.due_at >= to_timestamp($2::text::float8)
    order by x.due_at, x.id
    limit $1::text::int
  )
  select extract(epoch from coalesce((select min(due_at) from due), ${NOW}))::float8 as low, d.id, d.week, d.tenant
  from (select 1) one
  left join due d on true
  order by d.due_at, d.id`

/**
 * Removes marks and inserts deliveries. $1 the messages; $2 to $5, a delivery each: message, id, week, endpoint. A message
 * that another is at is left to it.
 */
export const EXPAND = `
  with picked as (
    select x.id from hooks.outbox x where x.id = any(${list('$1', 'text')}) order by x.id for update skip locked
  ),
  marks as (
    delete from hooks.outbox x using picked p where x.id = p.id returning x.id, x.week, x.tenant, x.type
  ),
  given as (
    select g.*, m.week as message_week, m.tenant, m.type
    from unnest(${list('$2', 'text')}, ${list('$3', 'text')}, ${list('$4', 'int')}, ${list('$5', 'text')})
      with ordinality as g(message_id, id, week, endpoint_id, place)
    join marks m on m.id = g.message_id
  ),
  ${lockedLanes('given')},
  target as (
    select g.*, e.state
    from given g
    join locked l on l.endpoint_id = g.endpoint_id
    join hooks.endpoint e on e.id = g.endpoint_id and e.tenant = g.tenant
  ),
  opened as (
    insert into hooks.open (id, week, tenant, endpoint_id, message_id, message_week, type, created_at, due_at, since)
    select id, week, tenant, endpoint_id, message_id, message_week, type, ${NOW}, ${NOW}, ${NOW}
    from target where state = 'enabled'
  ),
  skipped as (
    insert into hooks.ended (${ENDED_COLUMNS})
    select week, id, tenant, endpoint_id, message_id, message_week, type, ${NOW}, 'skipped', 'endpoint_disabled', 0, ${NOW}
    from target where state <> 'enabled'
  ),
  delta as (
    select endpoint_id, min(place)::int as place, count(*)::int as open, 0 as leased, ${NOW} as waiting_from, false as freed
    from target where state = 'enabled'
    group by endpoint_id
  ),
  ${MOVED_LANES}
  select count(*)::int as n from marks`
