import { advancedOrders, ENDED_COLUMNS, KEPT_COLUMNS, list, lockedLanes, movedLanes, NOW } from './fragments.ts'
import { functionOf } from './function.ts'

/** What the lane of an endpoint learns: a success ends all that was, and failures after it count. */
const HEALTH = `,
      case when h.well then 0 else l.failures end + h.failures as failures,
      case when h.well then 0 else l.exhausted end + h.exhausted as exhausted,
      case when h.well or l.first_failure_at is null then case when h.failures > 0 then ${NOW} end else l.first_failure_at end as first_failure_at,
      case when h.failures > 0 then ${NOW} when not h.well then l.last_failure_at end as last_failure_at,
      l.failing and not h.well as failing,
      l.probing and not h.well as probing,
      case when h.well then 0 else l.warned end as warned`
const HEALTH_SETS = `,
      failures = c.failures, exhausted = c.exhausted, first_failure_at = c.first_failure_at,
      last_failure_at = c.last_failure_at, failing = c.failing, probing = c.probing, warned = c.warned`

const BODY = `
declare
  v_lanes text[];
begin
  v_lanes := array(
    select l.endpoint_id
    from hooks.lane l
    where l.endpoint_id in (select o.endpoint_id from hooks.open o where o.id = any(p_keys))
    order by l.endpoint_id
    for update);
  return query
  with given as (
    select *
    from unnest(
      p_keys, p_tokens, p_results, p_reasons, p_retry_ms, p_tried, p_ms, p_statuses, p_errors, p_details, p_responses, p_manual
    ) with ordinality as g(key, token, result, reason, retry_ms, tried, ms, status, error, detail, response, manual, place)
  ),
  locked as (
    select l.* from hooks.lane l where l.endpoint_id = any(v_lanes)
  ),
  retried as (
    update hooks.open o
    set due_at = ${NOW} + t.retry_ms * interval '1 millisecond', leased = false, leased_until = null, token = null,
      worker = null, claimed_at = null, claims = 0, attempts = o.attempts + t.tried, step = o.step + 1, manual = false
    from given t
    where o.id = t.key and t.result = 'retry' and o.leased and o.token = t.token and o.endpoint_id = any(v_lanes)
    returning t.place, t.result, t.tried, t.manual as by_hand, o.endpoint_id, o.week, o.id, o.attempts, o.due_at
  ),
  closed as (
    delete from hooks.open o
    using given t
    where o.id = t.key and t.result <> 'retry' and (t.result = 'delivered' or (o.leased and o.token = t.token))
      and o.endpoint_id = any(v_lanes)
    returning t.place, t.result, t.tried, t.manual as by_hand, t.reason, o.attempts + t.tried as attempts, o.endpoint_id,
      o.week, o.id, o.tenant, o.message_id, o.message_week, o.type, o.created_at, o.variant, o.leased, o.ordering_key
  ),
  history as (
    insert into hooks.ended (${ENDED_COLUMNS})
    select ${KEPT_COLUMNS}, result,
      case when result <> 'delivered' then reason end, attempts, ${NOW}
    from closed
  ),
  logged as (
    insert into hooks.attempt (week, delivery_id, n, at, ms, status, error, detail, response, manual, logged_at)
    select a.week, a.id, a.attempts, ${NOW} - g.ms * interval '1 millisecond', g.ms, g.status, g.error, g.detail, g.response,
      g.manual, clock_timestamp()
    from given g
    join (select place, week, id, attempts from retried union all select place, week, id, attempts from closed) a on a.place = g.place
    where g.tried = 1
  ),
  ${advancedOrders('closed')},
  delta as (
    select endpoint_id, min(place)::int as place, sum(open)::int as open, sum(leased)::int as leased,
      min(waiting_from) as waiting_from, bool_or(leased < 0) as freed
    from (
      select endpoint_id, place, 0 as open, -1 as leased, due_at as waiting_from from retried
      union all
      select endpoint_id, place, -1, -leased::int, 'infinity' from closed
      union all
      select endpoint_id, null, 0, 0, due_at from advanced
    ) d
    group by endpoint_id
  ),
  health as (
    select endpoint_id, max(success) is not null as well,
      (count(*) filter (where failed and place > coalesce(success, 0)))::int as failures,
      (count(*) filter (where failed and result = 'failed' and place > coalesce(success, 0)))::int as exhausted
    from (
      select s.endpoint_id, s.place, s.result, s.tried = 1 and not s.by_hand and s.result in ('retry', 'failed') as failed,
        max(s.place) filter (where s.result = 'delivered') over (partition by s.endpoint_id) as success
      from (
        select endpoint_id, place, result, tried, by_hand from retried
        union all
        select endpoint_id, place, result, tried, by_hand from closed
      ) s
    ) s
    group by endpoint_id
  ),
  ${movedLanes(HEALTH, HEALTH_SETS, 'join health h on h.endpoint_id = l.endpoint_id')}
  select place::int from retried
  union all
  select place::int from closed;
end`

const PARAMETERS = `p_keys text[], p_tokens text[], p_results text[], p_reasons text[], p_retry_ms float8[], p_tried int[],
  p_ms int[], p_statuses int[], p_errors text[], p_details text[], p_responses text[], p_manual boolean[]`

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
    ${list('$11', 'text')}, ${list('$12', 'boolean')}, ${NOW}) as place`

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
