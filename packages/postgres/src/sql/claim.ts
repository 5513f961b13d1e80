import { after, epoch, laneColumns, NOW, newestLane, readyAt } from './fragments.ts'
import { functionOf } from './function.ts'

/** Lanes of one kind that are ready, from p_from (in s) on, in the order in which they became so. Those that another is at are left to it. */
const arm = (failing: boolean): string => `
  (select l.endpoint_id
    from hooks.lane l
    where l.failing = ${failing} and l.ready_at <= ${NOW} and l.ready_at >= to_timestamp(p_from)
    order by l.ready_at, l.turn
    limit case when p_failing = ${!failing}${failing ? ' or p_failing_limit <= 0' : ''} then 0 else p_lanes end
    for update skip locked)`

/** How many a rate leaves unused for later, beside the next one: those of a fortieth of a second. */
const KEPT = 'floor(s.per_second / 40)'
/** How many are free in a second. What is kept comes out of the rate: so no second starts more than the rate says, and there is room for what is late on its way. */
const FREED = `(s.per_second - ${KEPT})`

/** What of a lane is leased, in the order in which it was due. As many as the lane counts, and so no further than the last. */
const leasedOf = (lane: string): string => `
  select o.ctid as tid, o.*
  from hooks.open o
  where o.endpoint_id = ${lane}.endpoint_id and o.leased and o.due_at >= ${lane}.claimed_from
  order by o.due_at, o.id
  limit ${lane}.leased`

const BODY = `
declare
  v_until constant timestamptz := ${NOW} + p_lease_ms * interval '1 millisecond';
  v_found text[];
  v_used int;
  v_low float8;
  v_rows tid[];
  v_ids text[];
  v_lost tid[];
  v_waiting tid[];
  v_passing text[];
  v_next tid[];
  v_taken hooks.open[];
  v_week_from int;
  v_week_to int;
begin
  v_found := array(${arm(false)}) || array(${arm(true)});

  with seen as materialized (
    select s.tid, s.endpoint_id, s.tenant, s.ready_at, s.failing, s.open, s.leased, s.waiting_from, s.leased_from, s.claimed_from,
      s.held_until, s.paused, s.per_second, s.free_at,
      (row_number() over (order by s.ready_at, s.turn, s.endpoint_id))::int as place,
      case when s.probing then 1 else coalesce(s.cap, s.concurrency, p_cap) end - s.leased + lost.n as room
    from unnest(v_found) as f(endpoint_id)
    cross join lateral ${newestLane('f.endpoint_id', 'l.ctid as tid, l.*')} s
    cross join lateral (
      select case when s.leased_from > ${NOW} then 0 else
        (select count(*) from (${leasedOf('s')}) o where o.leased_until <= ${NOW}) end::int as n
    ) lost
    order by place
    limit p_lanes
  ),
  freed as (
    select r.*,
      least(
        r.room,
        case
          when r.per_second is null then p_limit
          when r.free_from > ${NOW} then 0
          else least(floor(extract(epoch from ${NOW} - r.free_from)::float8 * r.freed) + 1, p_limit)
        end
      )::int as free,
      coalesce((p_running ->> r.tenant)::int, 0) as running
    from (
      select s.*, ${FREED} as freed, greatest(s.free_at, ${NOW} - ${KEPT} * (interval '1 second' / ${FREED})) as free_from
      from seen s
    ) r
    offset 0
  ),
  hoped as (
    select f.*, case when f.failing then 0 else least(greatest(f.free, 0), greatest(f.open - f.leased, 1)) end as hope
    from freed f
  ),
  shared as (
    select h.*,
      greatest(0, least(h.hope, p_most - h.running
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
    where s.before < p_limit
  ),
  due as (
    select l.place, l.free, l.failing, l.running, c.*,
      row_number() over (partition by l.place order by coalesce(c.leased_until, c.due_at), c.id) as nth
    from lanes l
    cross join lateral (
      (select o.ctid as tid, o.id, o.due_at, o.tenant, o.waits, o.leased, o.leased_until
        from hooks.open o
        where o.endpoint_id = l.endpoint_id and not o.leased and o.due_at >= l.waiting_from
        order by o.due_at, o.id
        limit least(greatest(l.free, 0), p_limit) + 1)
      union all
      (select o.tid, o.id, o.due_at, o.tenant, o.waits, o.leased, o.leased_until
        from (${leasedOf('l')}) o
        where l.leased_from <= ${NOW} and o.leased_until <= ${NOW}
        order by o.leased_until, o.id
        limit least(greatest(l.free, 0), p_limit) + 1)
    ) c
  ),
  ranked as (
    select d.*,
      row_number() over (partition by d.takeable, d.failing order by d.place, d.nth) as of_kind,
      row_number() over (partition by d.takeable, d.tenant order by d.place, d.nth) as of_tenant
    from (select d.*, d.nth <= d.free and d.due_at <= ${NOW} as takeable from due d) d
  ),
  judged as materialized (
    select r.*, r.is_eligible and r.k <= p_limit as is_taken
    from (
      select r.*, row_number() over (
        partition by r.is_eligible order by (r.of_tenant > p_most - r.running), r.place, r.nth) as k
      from (select r.*, r.takeable and (not r.failing or r.of_kind <= p_failing_limit) as is_eligible from ranked r) r
    ) r
  ),
  sums as (
    select place,
      (count(*) filter (where is_taken))::int as took,
      (count(*) filter (where is_taken and leased))::int as took_lost,
      count(*) filter (where takeable) as takeable,
      min(due_at) filter (where is_taken) as first_taken,
      min(due_at) filter (where not is_taken and not leased) as first_waiting,
      min(leased_until) filter (where not is_taken and leased) as first_lost
    from judged
    group by place
  ),
  visited as (
    select l.tid, l.place, l.held_until, l.paused, l.per_second, l.open,
      l.leased + l.took - l.took_lost as leased,
      l.took >= l.room as is_full,
      case when l.per_second is not null and l.took > 0 then l.free_from + l.took * (interval '1 second' / l.freed)
        else l.free_at end as free_at,
      least(case when l.leased > 0 then l.claimed_from end, l.first_taken, 'infinity') as claimed_from,
      case when l.open > l.leased + l.took - l.took_lost then coalesce(l.first_waiting, 'infinity')
        else 'infinity' end as waiting_from,
      least(
        l.first_lost,
        case when l.took > 0 then v_until end,
        case
          when l.leased = 0 then 'infinity'
          when l.leased_from > ${NOW} then l.leased_from
          else (select min(o.leased_until) from (${leasedOf('l')}) o where o.leased_until > ${NOW})
        end,
        'infinity'
      ) as leased_from
    from (
      select l.*, coalesce(r.took, 0) as took, coalesce(r.took_lost, 0) as took_lost, r.first_taken, r.first_waiting, r.first_lost
      from lanes l
      left join sums r on r.place = l.place
      where r.took > 0 or coalesce(r.takeable, 0) = 0
    ) l
    offset 0
  ),
  moved as (
    update hooks.lane l
    set leased = v.leased, is_full = v.is_full, waiting_from = v.waiting_from, leased_from = v.leased_from,
      claimed_from = v.claimed_from, free_at = v.free_at,
      ready_at = ${readyAt('v', 'null::timestamptz')}, turn = v.place, rev = l.rev + 1
    from visited v
    where l.ctid = v.tid
  )
  select (select count(*) from lanes), extract(epoch from coalesce((select min(ready_at) from lanes), ${NOW}))::float8,
    array_agg(tid order by k) filter (where is_taken),
    array_agg(id order by k) filter (where is_taken),
    array_agg(tid) filter (where is_taken and leased),
    array_agg(tid) filter (where is_taken and waits),
    array_agg(id) filter (where is_taken and waits)
  from judged
  into v_used, v_low, v_rows, v_ids, v_lost, v_waiting, v_passing;

  if v_lost is not null then
    insert into hooks.attempt (week, delivery_id, n, at, ms, error, manual, logged_at)
    select o.week, o.id, o.attempts + 1, coalesce(o.claimed_at, o.due_at), 0, 'lost', o.manual, clock_timestamp()
    from hooks.open o
    where o.ctid = any(v_lost);
  end if;

  -- What has waited long enough goes first, and those before it go on without an order; the next begins to wait.
  if v_waiting is not null then
    v_next := array(
      select n.tid
      from hooks.open p
      cross join lateral (
        select n.ctid as tid from hooks.open n
        where n.endpoint_id = p.endpoint_id and n.ordering_key = p.ordering_key and n.waits and n.id <> p.id
        order by n.ordering_seq, n.id
        limit 1
      ) n
      where p.ctid = any(v_waiting));
    with limited as (
      update hooks.open o
      set due_at = ${after('o.ordering_wait_ms')}
      where o.ctid = any(v_next) and o.id <> all(v_ids) and o.due_at = 'infinity' and o.ordering_wait_ms is not null
      returning o.endpoint_id, o.due_at
    )
    update hooks.lane l
    set waiting_from = c.waiting_from, ready_at = c.ready_at
    from (
      select c.*, ${readyAt('c', 'null::timestamptz')} as ready_at
      from (
        select l.tid, l.paused, l.open, l.is_full, l.leased_from, l.held_until, l.per_second, l.free_at,
          least(l.waiting_from, n.due_at) as waiting_from
        from (select endpoint_id, min(due_at) as due_at from limited group by endpoint_id) n
        cross join lateral ${newestLane('n.endpoint_id', 'l.ctid as tid, l.*')} l
      ) c
      offset 0
    ) c
    where l.ctid = c.tid;
  end if;

  with leased as (
    update hooks.open o
    set leased = true, leased_until = v_until, token = p_token, worker = p_worker, claimed_at = ${NOW}, claims = o.claims + 1,
      waits = false
    where o.ctid = any(v_rows)
    returning o
  )
  select array_agg(o), min((o).message_week), max((o).message_week) from leased
  into v_taken, v_week_from, v_week_to;

  if v_waiting is not null then
    update hooks.open o
    set ordering_key = null
    where o.ctid = any(array(
      select f.tid
      from (select distinct t.endpoint_id, t.ordering_key from unnest(v_taken) t where t.id = any(v_passing)) p
      cross join lateral (
        select f.ctid as tid from hooks.open f
        where f.endpoint_id = p.endpoint_id and f.ordering_key = p.ordering_key and not f.waits and f.id <> all(v_passing)
        offset 0
      ) f));
  end if;

  -- As few columns as that: each costs as much as what is in it.
  return query
  select case when coalesce(t.place, 1) = 1 then
      json_build_array(cardinality(v_found), cardinality(v_found) - v_used, v_low)::text end,
    h.head, t.id, t.endpoint_id, t.message_id, t.type, ${epoch('t.occurred_at')}, p.data,
    t.attempts, t.claims, t.step, t.manual::int, t.variant,
    greatest(floor(extract(epoch from ${NOW} - t.since) * 1000), 0)::bigint
  from (select 1) one
  left join (
    select t.*, k.place, row_number() over (partition by t.endpoint_id order by k.place) = 1 as is_first
    from unnest(v_taken) as t
    join unnest(v_ids) with ordinality as k(id, place) on k.id = t.id
  ) t on true
  left join lateral (
    select p.data
    from hooks.payload p
    where p.id = t.message_id and p.week = t.message_week and p.week >= v_week_from and p.week <= v_week_to
    limit 1
  ) p on true
  -- With its tenant: for an id alone, PostgreSQL 18 skips through the index of all tenants.
  left join lateral (
    select row_to_json(h)::text as head
    from (
      select e.id, e.tenant as owner, e.url, e.filters, e.channels, e.state, e.reason, e.name, e.metadata, e.secrets,
        e.settings, e.rev, ${epoch('e.created_at')} as created, ${epoch('e.updated_at')} as updated,
        e.id as endpoint, ${laneColumns('l')}
      from hooks.endpoint e
      cross join lateral ${newestLane('e.id')} l
      where e.tenant = t.tenant and e.id = t.endpoint_id and t.is_first
      limit 1
    ) h
  ) h on true
  order by t.place;
end`

const PARAMETERS = `p_limit int, p_lanes int, p_cap int, p_from float8, p_failing boolean, p_lease_ms float8, p_token text,
  p_worker text, p_failing_limit int, p_most int, p_running jsonb`

const RETURNS = `table (
    report text, head text, key text, endpoint text, message text, type text, occurred bigint, data text,
    attempts int, claims int, step int, manual int, variant text, age bigint)`

/**
 * Locks lanes that are ready, takes of each what it may have and what the claim has left, and writes when each is ready
 * next. Whatever is decided is decided after the locks, by rows that nobody changes meanwhile.
 */
export const CLAIM_FUNCTION = functionOf('claim', PARAMETERS, RETURNS, BODY)

/**
 * Claims. $1 how many, $2 of how many lanes at most, $3 the cap of lanes that have none of their own, $4 from which ready
 * time on, $5 whether failing ones alone or the others alone, $6 the lease in ms, $7 the token, $8 the worker, $9 how many
 * of failing lanes at most, $10 how many of a tenant at most while others wait, $11 as JSON what each tenant has running.
 */
export const CLAIM = `
  select * from hooks.claim(
    $1::text::int, $2::text::int, $3::text::int, $4::text::float8, $5::text::boolean, $6::text::float8, $7::text, $8::text,
    $9::text::int, $10::text::int, $11::text::jsonb, ${NOW})`
