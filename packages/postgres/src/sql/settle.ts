import { ENDED_COLUMNS, list, lockedLanes, MOVED_LANES, NOW } from './fragments.ts'

/**
 * Settles. A parameter a column: key, token, result, reason, retry in ms, whether it was tried, and the attempt. No key
 * comes twice.
 */
export const SETTLE = `
  with given as (
    select *
    from unnest(
      ${list('$1', 'text')}, ${list('$2', 'text')}, ${list('$3', 'text')}, ${list('$4', 'text')}, ${list('$5', 'float8')},
      ${list('$6', 'int')}, ${list('$7', 'int')}, ${list('$8', 'int')}, ${list('$9', 'text')}, ${list('$10', 'text')},
      ${list('$11', 'text')}, ${list('$12', 'boolean')}
    ) with ordinality as g(key, token, result, reason, retry_ms, tried, ms, status, error, detail, response, manual, place)
  ),
  target as (
    select g.*, o.endpoint_id from given g join hooks.open o on o.id = g.key
  ),
  ${lockedLanes('target')},
  retried as (
    update hooks.open o
    set due_at = ${NOW} + t.retry_ms * interval '1 millisecond', leased = false, token = null, worker = null,
      claimed_at = null, claims = 0, attempts = o.attempts + t.tried, step = o.step + 1, manual = false
    from target t
    join locked l on l.endpoint_id = t.endpoint_id
    where o.id = t.key and t.result = 'retry' and o.leased and o.token = t.token
    returning t.place, o.endpoint_id, o.week, o.id, o.attempts, o.due_at
  ),
  closed as (
    delete from hooks.open o
    using target t
    join locked l on l.endpoint_id = t.endpoint_id
    where o.id = t.key and t.result <> 'retry' and (t.result = 'delivered' or (o.leased and o.token = t.token))
    returning t.place, t.result, t.reason, o.attempts + t.tried as attempts, o.endpoint_id, o.week, o.id, o.tenant,
      o.message_id, o.message_week, o.type, o.created_at, o.leased
  ),
  history as (
    insert into hooks.ended (${ENDED_COLUMNS})
    select week, id, tenant, endpoint_id, message_id, message_week, type, created_at, result,
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
  delta as (
    select endpoint_id, min(place)::int as place, sum(open)::int as open, sum(leased)::int as leased,
      min(waiting_from) as waiting_from, bool_or(leased < 0) as freed
    from (
      select endpoint_id, place, 0 as open, -1 as leased, due_at as waiting_from from retried
      union all
      select endpoint_id, place, -1, -leased::int, 'infinity' from closed
    ) d
    group by endpoint_id
  ),
  ${MOVED_LANES}
  select place::int as place from retried
  union all
  select place::int from closed`

/** Gives claims back. $1 the keys, $2 the tokens. */
export const RELEASE = `
  with given as (
    select * from unnest(${list('$1', 'text')}, ${list('$2', 'text')}) with ordinality as g(key, token, place)
  ),
  target as (
    select g.*, o.endpoint_id from given g join hooks.open o on o.id = g.key
  ),
  ${lockedLanes('target')},
  released as (
    update hooks.open o
    set due_at = ${NOW}, leased = false, token = null, worker = null, claimed_at = null, claims = o.claims - 1
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
  ${MOVED_LANES}
  select count(*)::int as n from released`
