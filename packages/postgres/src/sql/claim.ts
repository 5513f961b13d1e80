import { after, epoch, laneColumns, NOW, readyAt } from './fragments.ts'

/** Lanes of one kind that are ready, from $4 (in s) on, in the order in which they became so. Those that another is at are left to it. */
const arm = (name: string, failing: boolean): string => `
  ${name} as (
    select l.endpoint_id, l.rev
    from hooks.lane l
    where l.failing = ${failing} and l.ready_at <= ${NOW} and l.ready_at >= to_timestamp($4::text::float8)
    order by l.ready_at, l.turn
    limit case when $5::text::boolean = ${!failing}${failing ? ' or $9::text::int <= 0' : ''} then 0 else $2::text::int end
    for update skip locked
  )`

/** How many a rate leaves unused for later: those of a twentieth of a second, or one. */
const KEPT = 'greatest(floor(per_second / 20), 1)'

/**
 * Claims. $1 how many, $2 of how many lanes at most, $3 the cap of lanes that have none of their own, $4 from which ready
 * time on, $5 whether failing ones alone or the others alone, $6 the lease in ms, $7 the token, $8 the worker, $9 how many
 * of failing lanes at most, $10 how many of a tenant at most while others wait, $11 as JSON what each tenant has running.
 *
 * A statement sees all rows as they were when it began, but a row that it locks as it is. So a lane that another has
 * changed in between is one whose deliveries would be seen as they were before: its `rev` tells, it is left alone, and
 * stays ready for the next claim. Of all other lanes, nothing changes while they are locked.
 */
export const CLAIM = `
  with ${arm('well', false)},
  ${arm('ill', true)},
  found as (select * from well union all select * from ill),
  running as materialized (
    select key as tenant, value::int as n from json_each_text($11::text::json)
  ),
  seen as materialized (
    select s.*, (row_number() over (order by s.ready_at, s.turn, s.endpoint_id))::int as place,
      case when s.probing then 1 else coalesce(s.cap, s.concurrency, $3::text::int) end - s.leased + lost.n as room
    from found f
    join hooks.lane s on s.endpoint_id = f.endpoint_id and s.rev = f.rev
    cross join lateral (
      select count(*)::int as n
      from hooks.open o
      where s.leased_from <= ${NOW}
        and o.endpoint_id = s.endpoint_id and o.leased and o.due_at >= s.leased_from and o.due_at <= ${NOW}
    ) lost
    order by place
    limit $2::text::int
  ),
  rated as (
    select s.*, greatest(s.free_at, ${NOW} - (${KEPT} - 1) * (interval '1 second' / s.per_second)) as free_from from seen s
  ),
  freed as (
    select r.*,
      least(
        r.room,
        case
          when r.per_second is null then $1::text::int
          when r.free_from > ${NOW} then 0
          else least(floor(extract(epoch from ${NOW} - r.free_from)::float8 * r.per_second) + 1, $1::text::int)
        end
      )::int as free,
      coalesce((select n from running where running.tenant = r.tenant), 0) as running
    from rated r
  ),
  hoped as (
    select f.*, case when f.failing then 0 else least(greatest(f.free, 0), greatest(f.open - f.leased, 1)) end as hope
    from freed f
  ),
  shared as (
    select h.*,
      greatest(0, least(h.hope, $10::text::int - h.running
        - coalesce(sum(h.hope) over (partition by h.tenant order by h.place rows between unbounded preceding and 1 preceding), 0))) as share
    from hoped h
  ),
  -- Those behind lanes that should have enough stay as they are. Where these have less, another claim takes up those.
  lanes as materialized (
    select *
    from (
      select s.*, coalesce(sum(s.share) over (order by s.place rows between unbounded preceding and 1 preceding), 0) as before
      from shared s
    ) s
    where s.before < $1::text::int
  ),
  due as materialized (
    select l.place, l.free, l.failing, l.running, c.*, row_number() over (partition by l.place order by c.due_at, c.id) as nth
    from lanes l
    cross join lateral (
      (select o.*
        from hooks.open o
        where o.endpoint_id = l.endpoint_id and not o.leased and o.due_at >= l.waiting_from
        order by o.due_at, o.id
        limit least(greatest(l.free, 0), $1::text::int) + 1)
      union all
      (select o.*
        from hooks.open o
        where l.leased_from <= ${NOW}
          and o.endpoint_id = l.endpoint_id and o.leased and o.due_at >= l.leased_from and o.due_at <= ${NOW}
        order by o.due_at, o.id
        limit least(greatest(l.free, 0), $1::text::int) + 1)
    ) c
  ),
  ranked as (
    select d.*,
      row_number() over (partition by d.takeable, d.failing order by d.place, d.nth) as of_kind,
      row_number() over (partition by d.takeable, d.tenant order by d.place, d.nth) as of_tenant
    from (select d.*, d.nth <= d.free and d.due_at <= ${NOW} as takeable from due d) d
  ),
  judged as materialized (
    select r.*, r.is_eligible and r.k <= $1::text::int as is_taken
    from (
      select r.*, row_number() over (
        partition by r.is_eligible order by (r.of_tenant > $10::text::int - r.running), r.place, r.nth) as k
      from (select r.*, r.takeable and (not r.failing or r.of_kind <= $9::text::int) as is_eligible from ranked r) r
    ) r
  ),
  taken as materialized (
    select * from judged where is_taken
  ),
  sums as materialized (
    select place,
      (count(*) filter (where is_taken))::int as took,
      (count(*) filter (where is_taken and leased))::int as took_lost,
      count(*) filter (where takeable) as takeable,
      min(due_at) filter (where not is_taken and not leased) as first_waiting,
      min(due_at) filter (where not is_taken and leased) as first_lost
    from judged
    group by place
  ),
  passed as (
    select t.id, t.endpoint_id, t.ordering_key from taken t where t.waits
  ),
  leased as (
    update hooks.open o
    set due_at = ${NOW} + $6::text::float8 * interval '1 millisecond', leased = true, token = $7::text, worker = $8::text,
      claimed_at = ${NOW}, claims = o.claims + 1, waits = false,
      ordering_key = case
        when o.ordering_key is not null and not o.waits
          and exists (select 1 from passed p where p.endpoint_id = o.endpoint_id and p.ordering_key = o.ordering_key) then null
        else o.ordering_key end
    from taken t
    where o.id = t.id
  ),
  outrun as (
    update hooks.open o
    set ordering_key = null
    from passed p
    where o.endpoint_id = p.endpoint_id and o.ordering_key = p.ordering_key and not o.waits
      and o.id not in (select id from taken)
  ),
  limited as (
    update hooks.open o
    set due_at = ${after('n.ordering_wait_ms')}
    from (
      select p.endpoint_id, w.*
      from passed p
      cross join lateral (
        select w.id, w.due_at, w.ordering_wait_ms
        from hooks.open w
        where w.endpoint_id = p.endpoint_id and w.ordering_key = p.ordering_key and w.waits and w.id <> p.id
        order by w.ordering_seq, w.id
        limit 1
      ) w
    ) n
    where o.id = n.id and n.due_at = 'infinity' and n.ordering_wait_ms is not null and o.id not in (select id from taken)
    returning o.endpoint_id, o.due_at
  ),
  lost as (
    insert into hooks.attempt (week, delivery_id, n, at, ms, error, manual, logged_at)
    select t.week, t.id, t.attempts + 1, coalesce(t.claimed_at, t.due_at), 0, 'lost', t.manual, clock_timestamp()
    from taken t
    where t.leased
  ),
  visited as (
    select l.endpoint_id, l.place, l.held_until, l.paused, l.per_second, l.open,
      l.leased + l.took - l.took_lost as leased,
      l.took >= l.room as is_full,
      case when l.per_second is not null and l.took > 0 then l.free_from + l.took * (interval '1 second' / l.per_second)
        else l.free_at end as free_at,
      case when l.open > l.leased + l.took - l.took_lost then
        least(coalesce(l.first_waiting, 'infinity'), (select min(n.due_at) from limited n where n.endpoint_id = l.endpoint_id))
        else 'infinity' end as waiting_from,
      least(
        l.first_lost,
        case when l.took > 0 then ${NOW} + $6::text::float8 * interval '1 millisecond' end,
        case
          when l.leased = 0 then 'infinity'
          when l.leased_from > ${NOW} then l.leased_from
          else (
            select min(o.due_at) from hooks.open o
            where o.endpoint_id = l.endpoint_id and o.leased and o.due_at > ${NOW})
        end,
        'infinity'
      ) as leased_from
    from (
      select l.*, coalesce(r.took, 0) as took, coalesce(r.took_lost, 0) as took_lost, r.first_waiting, r.first_lost
      from lanes l
      left join sums r on r.place = l.place
      where r.took > 0 or coalesce(r.takeable, 0) = 0
    ) l
  ),
  moved as (
    update hooks.lane l
    set leased = v.leased, is_full = v.is_full, waiting_from = v.waiting_from, leased_from = v.leased_from, free_at = v.free_at,
      ready_at = ${readyAt('v', 'null::timestamptz')}, turn = v.place, rev = l.rev + 1
    from visited v
    where l.endpoint_id = v.endpoint_id
  ),
  served as materialized (
    select f.first_id, e.id, e.tenant as owner, e.url, e.filters, e.channels, e.state, e.reason, e.name, e.metadata, e.secrets,
      e.settings, e.rev, ${epoch('e.created_at')} as created, ${epoch('e.updated_at')} as updated,
      ${laneColumns('l')}
    from (select place, endpoint_id, (array_agg(id order by k))[1] as first_id from taken group by place, endpoint_id) f
    join lanes l on l.place = f.place
    join hooks.endpoint e on e.id = f.endpoint_id
  ),
  report as (
    select
      (select count(*) from found)::int as seen,
      ((select count(*) from found f where not exists (select 1 from seen s where s.endpoint_id = f.endpoint_id)))::int as raced,
      ((select count(*) from seen) - (select count(*) from lanes))::int as spared,
      extract(epoch from coalesce((select min(ready_at) from lanes), ${NOW}))::float8 as low,
      pg_relation_size('hooks.open'::regclass) / current_setting('block_size')::int as pages
  )
  select r.seen, r.raced, r.spared, r.low, r.pages,
    t.id as key, t.endpoint_id as endpoint, t.tenant as tenant, t.message_id as message, t.message_week as week,
    t.attempts, t.claims + 1 as claims, t.step, t.manual::int as manual, t.variant, t.failing::int as ill,
    greatest(floor(extract(epoch from ${NOW} - t.since) * 1000), 0)::bigint as age,
    s.id, s.owner, s.url, s.filters, s.channels, s.state, s.reason, s.name, s.metadata, s.secrets, s.settings, s.rev, s.created,
    s.updated, s.held, s.paused, s.probing, s.failing, s.cap, s.failures, s.exhausted, s.first, s.last, s.warned
  from report r
  left join taken t on true
  left join served s on s.first_id = t.id
  order by t.k`
