import { after, each, epoch, laneColumns, list, lockedLanes, NOW, newestLane, readyAt } from './fragments.ts'

/**
 * Changes lanes. A parameter a column: endpoint, for how many ms it is held (-1 lifts), whether the cap is changed, the cap,
 * failing, probing, paused, warned. Null leaves what is. No endpoint comes twice. It gives those that were changed.
 */
export const HOLD = `
  with given as (
    select *
    from unnest(
      ${list('$1', 'text')}, ${list('$2', 'float8')}, ${list('$3', 'boolean')}, ${list('$4', 'int')}, ${list('$5', 'boolean')},
      ${list('$6', 'boolean')}, ${list('$7', 'boolean')}, ${list('$8', 'int')}
    ) with ordinality as g(endpoint_id, for_ms, recap, cap, failing, probing, paused, warned, place)
  ),
  ${lockedLanes('given')},
  wanted as (
    select l.endpoint_id, l.seen, g.place::int as place, l.open, l.leased, l.waiting_from, l.leased_from, l.ready_at as was,
      l.per_second, l.free_at, l.is_full,
      l.failing as failed, coalesce(g.failing, l.failing) as failing,
      l.probing as probed, coalesce(g.probing, l.probing) as probing,
      l.paused as stopped, coalesce(g.paused, l.paused) as paused,
      l.warned as told, coalesce(g.warned, l.warned) as warned,
      l.cap as capped, case when g.recap then g.cap else l.cap end as cap,
      l.held_until as held,
      case
        when g.for_ms is null then l.held_until
        when g.for_ms < 0 then '-infinity'
        else greatest(l.held_until, ${after('g.for_ms')})
      end as held_until
    from locked l
    join given g on g.endpoint_id = l.endpoint_id
  ),
  changed as (
    select w.*, w.is_full and not w.reopens as full_now
    from (
      select w.*, w.cap is distinct from w.capped or w.probing <> w.probed as reopens,
        w.cap is distinct from w.capped or w.probing <> w.probed or w.paused <> w.stopped or w.held_until <> w.held as reorders
      from wanted w
    ) w
    where w.reorders or w.failing <> w.failed or w.warned <> w.told
  ),
  moved as (
    update hooks.lane l
    set failing = c.failing, probing = c.probing, paused = c.paused, warned = c.warned, cap = c.cap, held_until = c.held_until,
      is_full = c.is_full, ready_at = case when c.reorders then c.ready_at else c.was end,
      turn = case when (c.reorders and c.ready_at is distinct from c.was) or c.failing <> c.failed then c.place else l.turn end,
      rev = l.rev + 1
    from (
      select c.*, ${readyAt('c', 'c.was')} as ready_at
      from (
        select endpoint_id, seen, place, open, leased, waiting_from, leased_from, was, per_second, free_at, full_now as is_full, failing,
          failed, probing, paused, warned, cap, held_until, reorders
        from changed
      ) c
    ) c
    where ${each('l.endpoint_id', 'c.endpoint_id')} and l.rev >= c.seen
  )
  select endpoint_id as endpoint from changed`

/** $1 endpoints. */
export const FIND_LANES = `
  select l.endpoint_id as endpoint, ${laneColumns('l')}
  from unnest(${list('$1', 'text')}) as i(endpoint_id)
  cross join lateral ${newestLane('i.endpoint_id')} l`

/**
 * When the first lane is ready, from $1 (in s) on, and the first mark due, from $2 on: in s, and in how many ms from now
 * the earlier of them is.
 */
export const NEXT_DUE = `
  select extract(epoch from lane)::float8 as lane, extract(epoch from mark)::float8 as mark,
    ceil(extract(epoch from greatest(least(lane, mark), ${NOW}) - ${NOW}) * 1000)::bigint as ms
  from (
    select
      least(
        (select ready_at from hooks.lane
          where failing = false and ready_at is not null and ready_at >= to_timestamp($1::text::float8) order by ready_at limit 1),
        (select ready_at from hooks.lane
          where failing = true and ready_at is not null and ready_at >= to_timestamp($1::text::float8) order by ready_at limit 1)
      ) as lane,
      (select due_at from hooks.outbox where due_at >= to_timestamp($2::text::float8) order by due_at limit 1) as mark
  ) next
  where isfinite(least(lane, mark))`

/** How much is waiting. */
export const DEPTH = `
  select
    (select count(*) from hooks.outbox)::int as unexpanded,
    (select count(*) from hooks.lane where held_until > ${NOW} or paused)::int as held,
    count(*)::int as open,
    (count(*) filter (where is_due))::int as due,
    floor(extract(epoch from ${NOW} - least(
      min(due_at) filter (where is_due), (select min(m.due_at) from hooks.outbox m where m.due_at <= ${NOW})
    )) * 1000)::bigint as oldest,
    ${epoch(NOW)} as at
  from (
    select o.due_at, o.due_at <= ${NOW} and (not o.leased or o.leased_until <= ${NOW}) as is_due from hooks.open o
  ) o`
