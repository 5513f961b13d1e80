import {
  after,
  ENDED_COLUMNS,
  each,
  epoch,
  list,
  lockedIds,
  lockedLanes,
  movedLanes,
  NOW,
  noIndex,
} from './fragments.ts'
import { functionOf } from './function.ts'

const MARKED = `
declare
  v_marks hooks.outbox[];
  v_low float8;
  v_week_from int;
  v_week_to int;
begin
  select array_agg(x order by x.due_at, x.id), extract(epoch from coalesce(min(x.due_at), ${NOW}))::float8, min(x.week), max(x.week)
  from (
    select x.*
    from hooks.outbox x
    where x.due_at <= ${NOW} and x.due_at >= to_timestamp(p_from)
    order by x.due_at, x.id
    limit p_limit
  ) x
  into v_marks, v_low, v_week_from, v_week_to;

  return query
  select v_low, m.id, m.tenant, m.type, ${epoch('m.occurred_at')}, ${epoch('m.created_at')}, m.idempotency_key, m.channels,
    m.endpoints, m.ordering_key, p.data
  from (select 1) one
  left join unnest(v_marks) with ordinality x on true
  left join lateral (
    select m.*
    from hooks.message m
    where m.tenant = x.tenant and m.id = x.id and m.week = x.week and m.week >= v_week_from and m.week <= v_week_to
    limit 1
  ) m on true
  left join lateral (
    select p.data
    from hooks.payload p
    where p.id = x.id and p.week = x.week and p.week >= v_week_from and p.week <= v_week_to
    limit 1
  ) p on true
  order by x.ordinality;
end`

/** Reads messages whose marks are due. */
export const MARKED_FUNCTION = functionOf(
  'marked',
  'p_limit int, p_from float8',
  `table (low float8, id text, tenant text, type text, occurred bigint, created bigint, key text, channels text, endpoints text,
    ordering text, data text)`,
  MARKED,
)

/** Messages whose marks are due, oldest first. $1 how many, $2 the due time, in s, from which on to look. `low` is the first of them. */
export const DUE_MARKS = `select * from hooks.marked($1::text::int, $2::text::float8, ${NOW})`

const BODY = `
declare
  v_marks text[];
  v_rows tid[];
  v_ordered text[];
  v_lanes text[];
  v_expanded int;
begin
  select array_agg(x.id), array_agg(x.tid), array_agg(x.id) filter (where x.ordering_key is not null)
  from unnest(p_marks) as m(id)
  cross join lateral (
    select x.ctid as tid, x.id, x.ordering_key from hooks.outbox x where x.id = m.id limit 1 for update skip locked
  ) x
  into v_marks, v_rows, v_ordered;

  v_lanes := ${lockedIds(`array(
    select g.endpoint_id
    from unnest(p_messages, p_endpoints) as g(message_id, endpoint_id)
    join unnest(v_marks) as m(id) on m.id = g.message_id)`)};

  if v_ordered is not null then
    -- Those before which another is still marked keep their own.
    v_rows := array(
      select p.ctid
      from hooks.outbox p
      where p.ctid = any(v_rows)
        and (p.ordering_key is null
          or not exists (
            select 1 from hooks.outbox x
            where x.tenant = p.tenant and x.ordering_key = p.ordering_key and x.ordering_seq < p.ordering_seq
              and x.id <> all(v_ordered)
            offset 0)));
  end if;

  with given as (
    select g.*
    from unnest(p_messages, p_ids, p_weeks, p_endpoints, p_variants) with ordinality
      as g(message_id, id, week, endpoint_id, variant, place)
  ),
  marks as (
    delete from hooks.outbox x where x.ctid = any(v_rows) returning x.*
  ),
  target as materialized (
    select g.place, g.id, g.week, g.endpoint_id, g.variant, g.message_id, m.week as message_week, m.tenant, m.type,
      m.occurred_at, m.ordering_key, m.ordering_wait_ms, m.ordering_seq, e.state
    from given g
    join marks m on m.id = g.message_id
    cross join lateral (select e.state from hooks.endpoint e where e.id = g.endpoint_id and e.tenant = m.tenant limit 1) e
    -- As no join and no array, of either of which each would be compared with all.
    where (g.endpoint_id in (select l.endpoint_id from unnest(v_lanes) as l(endpoint_id))) is true
  ),
  -- What is first of its order is due now, the next as soon as it has waited long enough.
  placed as materialized (
    select t.*, 0 as rank, ${NOW} as due_at
    from target t
    where t.state = 'enabled' and t.ordering_key is null
    union all
    select r.*,
      case when rank < 2 then ${NOW} when rank = 2 then ${after("coalesce(ordering_wait_ms, 'infinity')")} else 'infinity' end
    from (
      select t.*,
        case
          when exists (
            select 1 from hooks.open o where o.endpoint_id = t.endpoint_id and o.ordering_key = t.ordering_key and o.waits
            offset 0) then 3
          else least(3, row_number() over (partition by t.endpoint_id, t.ordering_key order by t.ordering_seq)
            + exists (
              select 1 from hooks.open o
              where o.endpoint_id = t.endpoint_id and o.ordering_key = t.ordering_key and not o.waits
              offset 0)::int)
        end::int as rank
      from target t
      where t.state = 'enabled' and t.ordering_key is not null
    ) r
  ),
  opened as (
    insert into hooks.open
      (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, due_at, since, variant,
        ordering_key, ordering_wait_ms, ordering_seq, waits)
    select id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, ${NOW}, due_at, ${NOW}, variant,
      ordering_key, ordering_wait_ms, ordering_seq, rank >= 2
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
  ${movedLanes('', '', 'tid')}
  select count(*) from marks into v_expanded;
  return v_expanded;
end`

const PARAMETERS =
  'p_marks text[], p_messages text[], p_ids text[], p_weeks int[], p_endpoints text[], p_variants text[]'

/** Locks marks, and then the lanes of their deliveries; removes the marks, and inserts the deliveries. */
export const EXPAND_FUNCTION = functionOf('expand', PARAMETERS, 'int', BODY)

/**
 * Removes marks and inserts deliveries. $1 the messages; $2 to $6, a delivery each: message, id, week, endpoint, variant. A
 * message that another is at is left to it; one of an ordering key stays marked while one that was put before it does.
 */
export const EXPAND = `
  select hooks.expand(
    ${list('$1', 'text')}, ${list('$2', 'text')}, ${list('$3', 'text')}, ${list('$4', 'int')}, ${list('$5', 'text')},
    ${list('$6', 'text')}, ${NOW}) as expanded`

/**
 * Deliveries of messages that were expanded before: $1 to $6, one each: message, its week, id, week, endpoint, variant. Those
 * for a lane that is raced are left out, and counted. The payloads are locked, in one order: expunging begins with them, and
 * removes what was added before, or comes first, and nothing is added.
 */
export const ADD = `
  with given as (
    select distinct on (g.message_id, g.endpoint_id) g.*
    from unnest(${list('$1', 'text')}, ${list('$2', 'int')}, ${list('$3', 'text')}, ${list('$4', 'int')}, ${list('$5', 'text')}, ${list('$6', 'text')})
      with ordinality as g(message_id, message_week, id, week, endpoint_id, variant, place)
    order by g.message_id, g.endpoint_id, g.place
  ),
  ${lockedLanes('given')},
  kept as materialized (
    select p.id
    from (select distinct message_id, message_week from given order by message_id) g
    cross join lateral (
      select p.id from hooks.payload p where p.id = g.message_id and p.week = g.message_week limit 1 for key share
    ) p
  ),
  target as materialized (
    select g.*, m.tenant, m.type, m.occurred_at
    from given g
    join locked l on l.endpoint_id = g.endpoint_id
    cross join lateral (
      select e.tenant from hooks.endpoint e where e.id = g.endpoint_id and e.state = 'enabled' limit 1
    ) e
    cross join lateral (
      select m.tenant, m.type, m.occurred_at
      from hooks.message m
      where m.tenant = e.tenant and m.id = g.message_id and m.week = g.message_week
      limit 1
    ) m
    where g.message_id in (select id from kept)
      and not exists (select 1 from hooks.outbox x where x.id = g.message_id)
      and not exists (select 1 from hooks.open o where ${each('o.message_id', 'g.message_id')} and ${noIndex('o.endpoint_id = g.endpoint_id')})
      and not exists (select 1 from hooks.ended d where ${each('d.message_id', 'g.message_id')} and ${noIndex('d.endpoint_id = g.endpoint_id')})
  ),
  opened as (
    insert into hooks.open
      (id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, created_at, due_at, since, variant, manual)
    select id, week, tenant, endpoint_id, message_id, message_week, type, occurred_at, ${NOW}, ${NOW}, ${NOW}, variant, true
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
