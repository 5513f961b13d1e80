import {
  advancedOrders,
  each,
  epoch,
  LAST_ATTEMPT_COLUMNS,
  list,
  listOnce,
  lockedLanes,
  movedLanes,
  NOW,
  noIndex,
} from './fragments.ts'

/** The log of a delivery, oldest first: $1 id, $2 its week, $3 its tenant. */
export const ATTEMPTS = `
  select a.n, ${epoch('a.at')} as at, a.ms, a.status, a.error, a.detail, a.response, a.response_headers as headers,
    a.manual::int as manual
  from (
    select a.n, a.at, a.ms, a.status, a.error, a.detail, a.response, a.response_headers, a.manual, a.logged_at
    from hooks.attempt a
    where a.delivery_id = $1::text and a.week = $2::text::int
    union all
    select d.attempts, ${LAST_ATTEMPT_COLUMNS}, d.finished_at
    from hooks.ended d
    where d.tenant = $3::text and d.id = $1::text and d.week = $2::text::int and d.last_at is not null
  ) a
  order by a.logged_at, a.n`

/** The last attempt in the log that ended, of each delivery: $1 ids, $2 how many attempts each had, weeks from $3 to $4. */
export const LAST_ATTEMPTS = `
  select g.id, a.n, ${epoch('a.at')} as at, a.ms, a.status, a.error, a.detail, a.response, a.response_headers as headers,
    a.manual::int as manual
  from unnest(${list('$1', 'text')}, ${list('$2', 'int')}) as g(id, attempts)
  cross join lateral (
    select a.*
    from hooks.attempt a
    where a.delivery_id = g.id and a.week >= $3::text::int and a.week <= $4::text::int
      and a.n <= g.attempts and a.error is distinct from 'lost'
    order by a.logged_at desc, a.n desc
    limit 1
  ) a`

// Old rows are forgotten in no order, so nobody is waited for: others lock in an order. What another is at, the next call finds.

/** Payloads older than $1 (ms) that no open delivery and no mark needs. $2 how many at most. */
export const DELETE_PAYLOADS = `
  with old as (
    select p.week, p.id
    from hooks.payload p
    where p.created_at < to_timestamp($1::text::float8 / 1000)
      and not exists (select 1 from hooks.outbox x where x.id = p.id)
      and not exists (select 1 from hooks.open o where o.message_id = p.id)
    limit $2::text::int
    for update of p skip locked
  ),
  gone as (
    delete from hooks.payload p using old where ${each('p.week', 'old.week')} and ${each('p.id', 'old.id')} returning 1
  )
  select count(*)::int as n from gone`

/** Deliveries that ended before $1 (ms), with their attempts. $2 how many at most. */
export const DELETE_ENDED = `
  with old as (
    select d.week, d.tenant, d.id
    from hooks.ended d
    where d.finished_at < to_timestamp($1::text::float8 / 1000)
    limit $2::text::int
    for update of d skip locked
  ),
  gone as (
    delete from hooks.ended d using old
    where ${each('d.week', 'old.week')} and ${each('d.tenant', 'old.tenant')} and ${each('d.id', 'old.id')}
    returning d.week, d.id
  ),
  logs as (
    delete from hooks.attempt a using gone g where ${each('a.week', 'g.week')} and ${each('a.delivery_id', 'g.id')}
  )
  select count(*)::int as n from gone`

/** Messages older than $1 (ms) of which nothing else is left. $2 how many at most. */
export const DELETE_MESSAGES = `
  with old as (
    select m.week, m.tenant, m.id
    from hooks.message m
    where m.created_at < to_timestamp($1::text::float8 / 1000)
      and not exists (select 1 from hooks.payload p where p.id = m.id and p.week = m.week)
      and not exists (select 1 from hooks.ended d where d.message_id = m.id)
      and not exists (select 1 from hooks.open o where o.message_id = m.id)
    limit $2::text::int
    for update of m skip locked
  ),
  gone as (
    delete from hooks.message m using old
    where ${each('m.week', 'old.week')} and ${each('m.tenant', 'old.tenant')} and ${each('m.id', 'old.id')}
    returning 1
  )
  select count(*)::int as n from gone`

/** Idempotency keys that have run out. $1 how many at most. */
export const DELETE_KEYS = `
  with old as (
    select k.tenant, k.key from hooks.idempotency k where k.expires_at <= ${NOW} order by k.expires_at limit $1::text::int for update skip locked
  ),
  gone as (
    delete from hooks.idempotency k using old where k.tenant = old.tenant and k.key = old.key returning 1
  )
  select count(*)::int as n from gone`

/** The next messages of a tenant, $1, to be expunged: $2 the one, or null for all; $3 how many at most. */
export const MESSAGES_TO_EXPUNGE = `
  select m.id, m.week
  from hooks.message m
  where m.tenant = $1::text and ($2::text is null or m.id = $2::text)
  order by m.id
  limit $3::text::int`

/**
 * Nothing more is made of messages, $1 the tenant, $2 ids in ascending order, $3 weeks. In that order for all who do, and for
 * those who are at making something of them, which is waited for.
 */
export const FORGET_DATA = `
  with marks as (
    delete from hooks.outbox x
    where x.id = any(array(
      select x.id from hooks.outbox x where x.id = any(${listOnce('$2')}) and x.tenant = $1::text order by x.id for update))
  ),
  payloads as (
    delete from hooks.payload p using unnest(${list('$2', 'text')}, ${list('$3', 'int')}) as g(id, week)
    where ${each('p.id', 'g.id')} and ${each('p.week', 'g.week')}
    returning 1
  )
  select count(*)::int as n from payloads`

/**
 * Removes open deliveries of messages, $1, with their attempts: $2 how many at most. What is ordered, of a raced lane, is
 * left for another try, and so is what was claimed or settled meanwhile: it may have an attempt that is not seen yet. What an
 * endpoint that is gone has left has no lane that could be locked.
 */
export const EXPUNGE_OPEN = `
  with chosen as materialized (
    select o.*
    from unnest(${list('$1', 'text')}) as g(id)
    cross join lateral (
      select o.id, o.endpoint_id, o.ordering_key, o.attempts, o.claims from hooks.open o where o.message_id = g.id offset 0
    ) o
    limit $2::text::int
  ),
  ${lockedLanes('chosen')},
  gone as (
    delete from hooks.open o
    using chosen c
    where (select count(*) from locked) >= 0
      and ${each('o.id', 'c.id')} and ${noIndex('o.attempts = c.attempts and o.claims = c.claims')}
      and (c.ordering_key is null or c.endpoint_id not in (select endpoint_id from raced))
    returning o.*
  ),
  logs as (
    delete from hooks.attempt a using gone g where ${each('a.week', 'g.week')} and ${each('a.delivery_id', 'g.id')}
  ),
  ${advancedOrders('gone')},
  delta as (
    select endpoint_id, 0 as place, -count(*)::int as open, -(count(*) filter (where leased))::int as leased,
      least('infinity', (select min(a.due_at) from advanced a where a.endpoint_id = g.endpoint_id)) as waiting_from,
      bool_or(leased) as freed
    from gone g
    group by endpoint_id
  ),
  ${movedLanes()}
  select (select count(*) from gone)::int as n, ((select count(*) from chosen) - (select count(*) from gone))::int as raced`

/**
 * Removes ended deliveries of messages, $1, with their attempts: $2 how many at most. One that is just sent again has its
 * lane locked, which is not to be had from here: it is left, and found open or ended by the next round.
 */
export const EXPUNGE_ENDED = `
  with old as (
    select d.*
    from unnest(${list('$1', 'text')}) as g(id)
    cross join lateral (
      select d.week, d.tenant, d.id from hooks.ended d where d.message_id = g.id offset 0 for update skip locked
    ) d
    limit $2::text::int
  ),
  gone as (
    delete from hooks.ended d using old
    where ${each('d.week', 'old.week')} and ${each('d.tenant', 'old.tenant')} and ${each('d.id', 'old.id')}
    returning d.week, d.id
  ),
  logs as (
    delete from hooks.attempt a using gone g where ${each('a.week', 'g.week')} and ${each('a.delivery_id', 'g.id')}
  )
  select count(*)::int as n from gone`

/**
 * Removes messages, $1 the tenant, $2 ids in ascending order, $3 weeks, with their keys, of which no delivery is left. In that
 * order for all who do, and keys in the order in which they are written.
 */
export const EXPUNGE_MESSAGES = `
  with given as materialized (
    select g.*, $1::text as tenant from unnest(${list('$2', 'text')}, ${list('$3', 'int')}) as g(id, week)
  ),
  gone as (
    delete from hooks.message m using given g
    where ${each('m.week', 'g.week')} and ${each('m.tenant', 'g.tenant')} and ${each('m.id', 'g.id')}
      and not exists (select 1 from hooks.open o where ${each('o.message_id', 'm.id')})
      and not exists (select 1 from hooks.ended d where ${each('d.message_id', 'm.id')})
    returning m.id
  ),
  keys as (
    delete from hooks.idempotency k
    where k.tenant = $1::text and k.key = any(array(
      select k.key
      from gone g
      join hooks.idempotency k on ${each('k.message_id', 'g.id')} and ${noIndex('k.tenant = $1::text')}
      order by k.key
      for update of k))
  )
  select count(*)::int as n from gone`

/** Removes what a tenant, $1, has beside messages: each kind in the order in which others lock it, endpoints before their lanes. */
export const EXPUNGE_TENANT = `
  with endpoints as (
    delete from hooks.endpoint e
    where e.id = any(array(select e.id from hooks.endpoint e where e.tenant = $1::text order by e.id for update))
    returning e.id as endpoint_id
  ),
  ${lockedLanes('endpoints')},
  lanes as (
    delete from hooks.lane l where l.endpoint_id = any(array(select endpoint_id from locked))
  ),
  counts as (
    delete from hooks.tenant t where t.tenant = $1::text
  ),
  keys as (
    delete from hooks.idempotency k
    where k.tenant = $1::text
      and k.key = any(array(select k.key from hooks.idempotency k where k.tenant = $1::text order by k.key for update))
    returning 1
  ),
  jobs as (
    delete from hooks.job j
    where j.id = any(array(select j.id from hooks.job j where j.tenant = $1::text order by j.id for update))
    returning 1
  )
  select (select count(*) from endpoints)::int + (select count(*) from keys)::int + (select count(*) from jobs)::int as n`
