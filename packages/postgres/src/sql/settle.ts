import {
  after,
  ENDED_COLUMNS,
  KEPT_COLUMNS,
  LAST_ATTEMPT_COLUMNS,
  list,
  lockedIds,
  lockedLanes,
  movedLanes,
  NOW,
} from './fragments.ts'
import { functionOf } from './function.ts'

/** What the lane of an endpoint learns: a success ends all that was, and failures after it count. */
const HEALTH = `,
      case when d.well then 0 else l.failures end + d.failures as failures,
      case when d.well then 0 else l.exhausted end + d.exhausted as exhausted,
      case when d.well or l.first_failure_at is null then case when d.failures > 0 then ${NOW} end else l.first_failure_at end as first_failure_at,
      case when d.failures > 0 then ${NOW} when not d.well then l.last_failure_at end as last_failure_at,
      l.failing and not d.well as failing,
      l.probing and not d.well as probing,
      case when d.well then 0 else l.warned end as warned`
const HEALTH_SETS = `,
      failures = c.failures, exhausted = c.exhausted, first_failure_at = c.first_failure_at,
      last_failure_at = c.last_failure_at, failing = c.failing, probing = c.probing, warned = c.warned`

const BODY = `
declare
  v_lanes text[];
  v_settled int[];
  v_ordered text[];
  v_orders text[];
  v_advanced int;
begin
  v_lanes := ${lockedIds(`array(
    select o.endpoint_id
    from unnest(p_keys) as k(id)
    cross join lateral (select o.endpoint_id from hooks.open o where o.id = k.id limit 1) o)`)};

  with given as materialized (
    select g.*, case when g.tried = 1 then ${NOW} - g.ms * interval '1 millisecond' end as began, o.tid
    from unnest(
      p_keys, p_tokens, p_results, p_reasons, p_retry_ms, p_tried, p_ms, p_statuses, p_errors, p_details, p_responses,
      p_response_headers, p_manual
    ) with ordinality as g(key, token, result, reason, retry_ms, tried, ms, status, error, detail, response, response_headers,
      by_hand, place)
    cross join lateral (
      select o.ctid as tid, o.endpoint_id, o.leased, o.token from hooks.open o where o.id = g.key limit 1
    ) o
    where o.endpoint_id = any(v_lanes) and (g.result = 'delivered' or (o.leased and o.token = g.token))
  ),
  retried as (
    update hooks.open o
    set due_at = ${NOW} + t.retry_ms * interval '1 millisecond', leased = false, leased_until = null, token = null,
      worker = null, claimed_at = null, claims = 0, attempts = o.attempts + t.tried, step = o.step + 1, manual = false
    from given t
    where o.ctid = t.tid and t.result = 'retry'
    returning t.*, o.endpoint_id, o.week, o.attempts, o.due_at
  ),
  closed as (
    delete from hooks.open o
    using given t
    where o.ctid = t.tid and t.result <> 'retry'
    returning t.*, o.attempts + t.tried as attempts, o.endpoint_id, o.week, o.id, o.tenant, o.message_id, o.message_week, o.type,
      o.created_at, o.variant, o.leased, o.ordering_key
  ),
  history as (
    insert into hooks.ended (${ENDED_COLUMNS}, ${LAST_ATTEMPT_COLUMNS})
    select ${KEPT_COLUMNS}, result, case when result <> 'delivered' then reason end, attempts, ${NOW}, began,
      case when tried = 1 then ms end, status, error, detail, response, response_headers,
      case when tried = 1 then by_hand end
    from closed
  ),
  logged as (
    insert into hooks.attempt (
      week, delivery_id, n, at, ms, status, error, detail, response, response_headers, manual, logged_at)
    select week, key, attempts, began, ms, status, error, detail, response, response_headers, by_hand, clock_timestamp()
    from retried
    where tried = 1
  ),
  done as (
    select place, endpoint_id, result, tried, by_hand, error, 0 as open, -1 as leased, due_at as waiting_from from retried
    union all
    select place, endpoint_id, result, tried, by_hand, error, -1, -leased::int, 'infinity' from closed
  ),
  delta as (
    select endpoint_id, min(place)::int as place, sum(open)::int as open, sum(leased)::int as leased,
      min(waiting_from) as waiting_from, bool_or(leased < 0) as freed,
      max(success) is not null as well,
      (count(*) filter (where failed and place > coalesce(success, 0)))::int as failures,
      (count(*) filter (where failed and result = 'failed' and place > coalesce(success, 0)))::int as exhausted
    from (
      select d.*,
        tried = 1 and not by_hand and result in ('retry', 'failed') and error is distinct from 'request_invalid' as failed,
        max(place) filter (where result = 'delivered') over (partition by endpoint_id) as success
      from done d
    ) d
    group by endpoint_id
  ),
  ${movedLanes(HEALTH, HEALTH_SETS, 'tid')}
  select (select array_agg(place::int) from done), array_agg(endpoint_id), array_agg(ordering_key)
  from closed
  where ordering_key is not null
  into v_settled, v_ordered, v_orders;

  -- The next of each order begins where its first has ended, or waits for no longer than it has to.
  if v_ordered is not null then
    with queued as (
      select q.tid, q.nth, o.led
      from (select distinct * from unnest(v_ordered, v_orders) as o(endpoint_id, ordering_key)) g
      cross join lateral (
        select exists (
          select 1 from hooks.open f
          where f.endpoint_id = g.endpoint_id and f.ordering_key = g.ordering_key and not f.waits
          offset 0) as led
      ) o
      cross join lateral (
        select w.ctid as tid, w.due_at, w.ordering_wait_ms, row_number() over (order by w.ordering_seq, w.id) as nth
        from hooks.open w
        where w.endpoint_id = g.endpoint_id and w.ordering_key = g.ordering_key and w.waits
        order by w.ordering_seq, w.id
        limit 2
      ) q
      where case when q.nth = 1 and not o.led then true
        else q.nth = case when o.led then 1 else 2 end and q.due_at = 'infinity' and q.ordering_wait_ms is not null end
    ),
    advanced as (
      update hooks.open o
      set waits = q.nth > 1 or q.led,
        due_at = case when q.nth = 1 and not q.led then ${NOW} else ${after('o.ordering_wait_ms')} end
      from queued q
      where o.ctid = q.tid
      returning o.endpoint_id, o.due_at
    ),
    delta as (
      select endpoint_id, 0 as place, 0 as open, 0 as leased, min(due_at) as waiting_from, false as freed
      from advanced
      group by endpoint_id
    ),
    ${movedLanes('', '', 'tid')}
    select count(*) from delta into v_advanced;
  end if;

  return query select unnest(v_settled);
end`

const PARAMETERS = `p_keys text[], p_tokens text[], p_results text[], p_reasons text[], p_retry_ms float8[], p_tried int[],
  p_ms int[], p_statuses int[], p_errors text[], p_details text[], p_responses text[], p_response_headers text[],
  p_manual boolean[]`

/** Locks the lanes of what is settled, ends it or puts it off, logs its attempts, and counts what they mean for the lanes. */
export const SETTLE_FUNCTION = functionOf('settle', PARAMETERS, 'setof int', BODY)

/**
 * Settles. A parameter a column: key, token, result, reason, retry in ms, whether it was tried, and the attempt. No key
 * comes twice. It gives the places in the call of what was settled, from 1.
 */
export const SETTLE = `
  select place
  from hooks.settle(
    ${list('$1', 'text')}, ${list('$2', 'text')}, ${list('$3', 'text')}, ${list('$4', 'text')}, ${list('$5', 'float8')},
    ${list('$6', 'int')}, ${list('$7', 'int')}, ${list('$8', 'int')}, ${list('$9', 'text')}, ${list('$10', 'text')},
    ${list('$11', 'text')}, ${list('$12', 'text')}, ${list('$13', 'boolean')}, ${NOW}) as place`

/** Gives claims back. $1 the keys, $2 the tokens. */
export const RELEASE = `
  with given as (
    select * from unnest(${list('$1', 'text')}, ${list('$2', 'text')}) with ordinality as g(key, token, place)
  ),
  target as (
    select g.*, o.endpoint_id
    from given g
    cross join lateral (select o.endpoint_id from hooks.open o where o.id = g.key limit 1) o
  ),
  ${lockedLanes('target')},
  released as (
    update hooks.open o
    set due_at = ${NOW}, leased = false, leased_until = null, token = null, worker = null, claimed_at = null,
      claims = o.claims - 1
    from target t
    join locked l on l.endpoint_id = t.endpoint_id
    where o.id = t.key and o.leased and o.token = t.token
    returning t.place, o.endpoint_id
  ),
  delta as (
    select endpoint_id, min(place)::int as place, 0 as open, -count(*)::int as leased, ${NOW} as waiting_from, true as freed
    from released
    group by endpoint_id
  ),
  ${movedLanes()}
  select count(*)::int as n from released`
