import { after, ENDED_COLUMNS, list, lockedLanes, movedLanes, NOW } from './fragments.ts'

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
 * Removes marks and inserts deliveries. $1 the messages; $2 to $6, a delivery each: message, id, week, endpoint, variant. A
 * message that another is at is left to it; one of an ordering key stays marked while one that was put before it does, or
 * where a lane of it is raced, which `raced` counts.
 */
export const EXPAND = `
  with picked as materialized (
    select x.* from hooks.outbox x where x.id = any(${list('$1', 'text')}) order by x.id for update skip locked
  ),
  given as (
    select g.*, p.tenant, p.ordering_key
    from unnest(${list('$2', 'text')}, ${list('$3', 'text')}, ${list('$4', 'int')}, ${list('$5', 'text')}, ${list('$6', 'text')})
      with ordinality as g(message_id, id, week, endpoint_id, variant, place)
    join picked p on p.id = g.message_id
  ),
  ${lockedLanes('given')},
  kept as (
    select p.id
    from picked p
    where p.ordering_key is not null
      and (
        exists (
          select 1 from hooks.outbox x
          where x.tenant = p.tenant and x.ordering_key = p.ordering_key and x.ordering_seq < p.ordering_seq
            and x.id not in (select id from picked))
        or exists (
          select 1 from given g join raced r on r.endpoint_id = g.endpoint_id
          where g.tenant = p.tenant and g.ordering_key = p.ordering_key))
  ),
  marks as (
    delete from hooks.outbox x using picked p
    where x.id = p.id and p.id not in (select id from kept)
    returning x.*
  ),
  target as materialized (
    select g.place, g.id, g.week, g.endpoint_id, g.variant, g.message_id, m.week as message_week, m.tenant, m.type,
      m.ordering_key, m.ordering_wait_ms, m.ordering_seq, e.state,
      case when m.ordering_key is not null and e.state = 'enabled' then
        row_number() over (partition by g.endpoint_id, m.ordering_key, e.state order by m.ordering_seq) end as nth
    from given g
    join marks m on m.id = g.message_id
    join locked l on l.endpoint_id = g.endpoint_id
    join hooks.endpoint e on e.id = g.endpoint_id and e.tenant = m.tenant
  ),
  ranked as (
    select t.*,
      case
        when t.nth is null then 0
        when q.waiting then 3
        else least(t.nth + q.led::int, 3)
      end as rank
    from target t
    cross join lateral (
      select
        t.nth is not null and exists (
          select 1 from hooks.open o where o.endpoint_id = t.endpoint_id and o.ordering_key = t.ordering_key and not o.waits) as led,
        t.nth is not null and exists (
          select 1 from hooks.open o where o.endpoint_id = t.endpoint_id and o.ordering_key = t.ordering_key and o.waits) as waiting
    ) q
    where t.state = 'enabled'
  ),
  placed as materialized (
    select r.*,
      case when rank < 2 then ${NOW} when rank = 2 then ${after("coalesce(ordering_wait_ms, 'infinity')")} else 'infinity' end as due_at
    from ranked r
  ),
  opened as (
    insert into hooks.open
      (id, week, tenant, endpoint_id, message_id, message_week, type, created_at, due_at, since, variant, ordering_key,
        ordering_wait_ms, ordering_seq, waits)
    select id, week, tenant, endpoint_id, message_id, message_week, type, ${NOW}, due_at, ${NOW}, variant, ordering_key,
      ordering_wait_ms, ordering_seq, rank >= 2
    from placed
  ),
  skipped as (
    insert into hooks.ended (${ENDED_COLUMNS})
    select week, id, tenant, endpoint_id, message_id, message_week, type, ${NOW}, variant, 'skipped', 'endpoint_disabled', 0, ${NOW}
    from target where state <> 'enabled'
  ),
  delta as (
    select p.endpoint_id, min(p.place)::int as place, count(*)::int as open, 0 as leased,
      min(p.due_at) as waiting_from, false as freed
    from placed p
    group by p.endpoint_id
  ),
  ${movedLanes()}
  select count(*)::int as raced
  from kept k
  where exists (select 1 from given g join raced r on r.endpoint_id = g.endpoint_id where g.message_id = k.id)`

/**
 * Deliveries of messages that were expanded before: $1 to $6, one each: message, its week, id, week, endpoint, variant. Those
 * for a lane that is raced are left out, and counted.
 */
export const ADD = `
  with given as (
    select distinct on (g.message_id, g.endpoint_id) g.*
    from unnest(${list('$1', 'text')}, ${list('$2', 'int')}, ${list('$3', 'text')}, ${list('$4', 'int')}, ${list('$5', 'text')}, ${list('$6', 'text')})
      with ordinality as g(message_id, message_week, id, week, endpoint_id, variant, place)
    order by g.message_id, g.endpoint_id, g.place
  ),
  ${lockedLanes('given')},
  target as materialized (
    select g.*, m.tenant, m.type
    from given g
    join locked l on l.endpoint_id = g.endpoint_id
    join hooks.endpoint e on e.id = g.endpoint_id and e.state = 'enabled'
    join hooks.message m on m.tenant = e.tenant and m.id = g.message_id and m.week = g.message_week
    where exists (select 1 from hooks.payload p where p.id = g.message_id and p.week = g.message_week)
      and not exists (select 1 from hooks.outbox x where x.id = g.message_id)
      and not exists (select 1 from hooks.open o where o.message_id = g.message_id and o.endpoint_id = g.endpoint_id)
      and not exists (select 1 from hooks.ended d where d.message_id = g.message_id and d.endpoint_id = g.endpoint_id)
  ),
  opened as (
    insert into hooks.open
      (id, week, tenant, endpoint_id, message_id, message_week, type, created_at, due_at, since, variant, manual)
    select id, week, tenant, endpoint_id, message_id, message_week, type, ${NOW}, ${NOW}, ${NOW}, variant, true
    from target
    where endpoint_id not in (select endpoint_id from raced)
    returning endpoint_id
  ),
  delta as (
    select endpoint_id, 1 as place, count(*)::int as open, 0 as leased, ${NOW} as waiting_from, false as freed
    from opened group by endpoint_id
  ),
  ${movedLanes()}
  select (select count(*) from opened)::int as n,
    (select count(*) from target where endpoint_id in (select endpoint_id from raced))::int as raced`
