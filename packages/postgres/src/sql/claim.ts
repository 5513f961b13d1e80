import { epoch, NOW, readyAt } from './fragments.ts'

/** Lanes of one kind that are ready, from $4 (in s) on, in the order in which they became so. Those that another is at are left to it. */
const arm = (name: string, failing: boolean): string => `
  ${name} as (
    select l.endpoint_id, l.rev
    from hooks.lane l
    where l.failing = ${failing} and l.ready_at <= ${NOW} and l.ready_at >= to_timestamp($4::text::float8)
    order by l.ready_at, l.turn
    limit case when $5::text::boolean = ${!failing} then 0 else $2::text::int end
    for update skip locked
  )`

/**
 * Claims. $1 how many, $2 of how many lanes at most, $3 the cap of lanes that have none of their own, $4 from which ready
 * time on, $5 whether failing ones alone or the others alone, $6 the lease in ms, $7 the token, $8 the worker.
 *
 * A statement sees all rows as they were when it began, but a row that it locks as it is. So a lane that another has
 * changed in between is one whose deliveries would be seen as they were before: its `rev` tells, it is left alone, and
 * stays ready for the next claim. Of all other lanes, nothing changes while they are locked.
 */
export const CLAIM = `
  with ${arm('well', false)},
  ${arm('ill', true)},
  found as (select * from well union all select * from ill),
  lanes as (
    select s.*, (row_number() over (order by s.ready_at, s.turn, s.endpoint_id))::int as place,
      coalesce(s.cap, $3::text::int) - s.leased + lost.n as free
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
  due as (
    select l.place, l.free, c.*, row_number() over (partition by l.place order by c.due_at, c.id) as nth
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
  taken as (
    select t.*
    from (
      select d.*, row_number() over (order by d.place, d.nth) as k
      from due d
      where d.nth <= d.free and d.due_at <= ${NOW}
    ) t
    where t.k <= $1::text::int
  ),
  leased as (
    update hooks.open o
    set due_at = ${NOW} + $6::text::float8 * interval '1 millisecond', leased = true, token = $7::text, worker = $8::text,
      claimed_at = ${NOW}, claims = o.claims + 1
    from taken t
    where o.id = t.id
  ),
  lost as (
    insert into hooks.attempt (week, delivery_id, n, at, ms, error, manual, logged_at)
    select t.week, t.id, t.attempts + 1, coalesce(t.claimed_at, t.due_at), 0, 'lost', t.manual, clock_timestamp()
    from taken t
    where t.leased
  ),
  visited as (
    select l.endpoint_id, l.place, l.held_until, l.open, l.ready_at as was,
      l.leased + r.took - r.took_lost as leased,
      r.took >= l.free as is_full,
      case when l.open > l.leased + r.took - r.took_lost then coalesce(r.waiting_from, 'infinity') else 'infinity' end as waiting_from,
      least(
        r.lost_from,
        case when r.took > 0 then ${NOW} + $6::text::float8 * interval '1 millisecond' end,
        case
          when l.leased = 0 then 'infinity'
          when l.leased_from > ${NOW} then l.leased_from
          else (
            select min(o.due_at) from hooks.open o
            where o.endpoint_id = l.endpoint_id and o.leased and o.due_at > ${NOW})
        end,
        'infinity'
      ) as leased_from
    from lanes l
    cross join lateral (
      select count(t.id)::int as took,
        (count(t.id) filter (where d.leased))::int as took_lost,
        min(d.due_at) filter (where t.id is null and not d.leased) as waiting_from,
        min(d.due_at) filter (where t.id is null and d.leased) as lost_from
      from due d
      left join taken t on t.id = d.id
      where d.place = l.place
    ) r
    where l.place <= coalesce((select max(t.place) from taken t having count(*) >= $1::text::int), l.place)
  ),
  moved as (
    update hooks.lane l
    set leased = v.leased, is_full = v.is_full, waiting_from = v.waiting_from, leased_from = v.leased_from,
      ready_at = ${readyAt('v', 'null::timestamptz')}, turn = v.place, rev = l.rev + 1
    from visited v
    where l.endpoint_id = v.endpoint_id
  ),
  endpoints as (
    select e.*, t.first_id
    from (select endpoint_id, min(k) as k, (array_agg(id order by k))[1] as first_id from taken group by endpoint_id) t
    join hooks.endpoint e on e.id = t.endpoint_id
  ),
  report as (
    select
      (select count(*) from found)::int as seen,
      (select count(*) from found)::int - (select count(*) from hooks.lane s join found f on f.endpoint_id = s.endpoint_id and f.rev = s.rev)::int as raced,
      extract(epoch from coalesce((select min(ready_at) from lanes), ${NOW}))::float8 as low
  )
  select r.seen, r.raced, r.low,
    t.id as key, t.endpoint_id as endpoint, t.tenant as tenant, t.message_id as message, t.message_week as week,
    t.attempts, t.claims + 1 as claims, t.step, t.manual::int as manual,
    greatest(floor(extract(epoch from ${NOW} - t.since) * 1000), 0)::bigint as age,
    e.id, e.tenant as owner, e.url, e.filters, e.channels, e.state, e.reason, e.name, e.metadata, e.secrets, e.settings,
    e.rev, ${epoch('e.created_at')} as created, ${epoch('e.updated_at')} as updated
  from report r
  left join taken t on true
  left join endpoints e on e.first_id = t.id
  order by t.k`
