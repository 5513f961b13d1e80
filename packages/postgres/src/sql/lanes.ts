import { after, epoch, list, lockedLanes, NOW, readyAt } from './fragments.ts'

/**
 * Changes lanes. A parameter a column: endpoint, for how many ms it is held (-1 lifts, null leaves), whether the cap is
 * changed, the cap, failing or not (null leaves). No endpoint comes twice.
 */
export const HOLD = `
  with given as (
    select *
    from unnest(${list('$1', 'text')}, ${list('$2', 'float8')}, ${list('$3', 'boolean')}, ${list('$4', 'int')}, ${list('$5', 'boolean')})
      with ordinality as g(endpoint_id, for_ms, recap, cap, failing, place)
  ),
  ${lockedLanes('given')},
  changed as (
    select l.endpoint_id, g.place::int as place, l.open, l.leased, l.waiting_from, l.leased_from, l.ready_at as was,
      coalesce(g.failing, l.failing) as failing, l.failing as failed,
      case when g.recap then g.cap else l.cap end as cap,
      l.is_full and not g.recap as is_full,
      case
        when g.for_ms is null then l.held_until
        when g.for_ms < 0 then '-infinity'
        else greatest(l.held_until, ${after('g.for_ms')})
      end as held_until
    from locked l
    join given g on g.endpoint_id = l.endpoint_id
  ),
  moved as (
    update hooks.lane l
    set failing = c.failing, cap = c.cap, held_until = c.held_until, is_full = c.is_full, ready_at = c.ready_at,
      turn = case when c.ready_at is distinct from c.was or c.failing <> c.failed then c.place else l.turn end,
      rev = l.rev + 1
    from (select c.*, ${readyAt('c', 'c.was')} as ready_at from changed c) c
    where l.endpoint_id = c.endpoint_id
  )
  select count(*)::int as n from changed`

/** When the first lane is ready, from $1 (in s) on, or the first mark due, from $2 on: in ms from now. */
export const NEXT_DUE = `
  select ceil(extract(epoch from greatest(min(at), ${NOW}) - ${NOW}) * 1000)::bigint as ms
  from (
    (select ready_at as at from hooks.lane
      where failing = false and ready_at is not null and ready_at >= to_timestamp($1::text::float8) order by ready_at limit 1)
    union all
    (select ready_at from hooks.lane
      where failing = true and ready_at is not null and ready_at >= to_timestamp($1::text::float8) order by ready_at limit 1)
    union all
    (select due_at from hooks.outbox where due_at >= to_timestamp($2::text::float8) order by due_at limit 1)
  ) next
  having min(at) is not null`

/** How much is waiting. */
export const DEPTH = `
  select
    (select count(*) from hooks.outbox)::int as unexpanded,
    (select count(*) from hooks.lane where held_until > ${NOW})::int as held,
    count(*)::int as open,
    (count(*) filter (where due_at <= ${NOW}))::int as due,
    floor(extract(epoch from ${NOW} - min(due_at)) * 1000)::bigint as oldest,
    ${epoch(NOW)} as at
  from hooks.open`
