import { epoch, list, NOW } from './fragments.ts'

/** The log of a delivery, oldest first: $1 id, $2 its week. Whose it is, is another question. */
export const ATTEMPTS = `
  select a.n, ${epoch('a.at')} as at, a.ms, a.status, a.error, a.detail, a.response, a.manual::int as manual
  from hooks.attempt a
  where a.delivery_id = $1::text and a.week = $2::text::int
  order by a.logged_at, a.n`

/** The last attempt of each delivery that ended: $1 ids, $2 how many attempts each had, weeks from $3 to $4. */
export const LAST_ATTEMPTS = `
  select g.id, a.n, ${epoch('a.at')} as at, a.ms, a.status, a.error, a.detail, a.response, a.manual::int as manual
  from unnest(${list('$1', 'text')}, ${list('$2', 'int')}) as g(id, attempts)
  cross join lateral (
    select a.*
    from hooks.attempt a
    where a.delivery_id = g.id and a.week >= $3::text::int and a.week <= $4::text::int
      and a.n <= g.attempts and a.error is distinct from 'lost'
    order by a.logged_at desc, a.n desc
    limit 1
  ) a`

/** Payloads older than $1 (ms) that no open delivery and no mark needs. $2 how many at most. */
export const DELETE_PAYLOADS = `
  with old as (
    select p.week, p.id
    from hooks.payload p
    where p.created_at < to_timestamp($1::text::float8 / 1000)
      and not exists (select 1 from hooks.outbox x where x.id = p.id)
      and not exists (select 1 from hooks.open o where o.message_id = p.id)
    limit $2::text::int
  ),
  gone as (
    delete from hooks.payload p using old where p.week = old.week and p.id = old.id returning 1
  )
  select count(*)::int as n from gone`

/** Deliveries that ended before $1 (ms), with their attempts. $2 how many at most. */
export const DELETE_ENDED = `
  with old as (
    select d.week, d.tenant, d.id
    from hooks.ended d
    where d.finished_at < to_timestamp($1::text::float8 / 1000)
    limit $2::text::int
  ),
  gone as (
    delete from hooks.ended d using old where d.week = old.week and d.tenant = old.tenant and d.id = old.id returning d.week, d.id
  ),
  logs as (
    delete from hooks.attempt a using gone g where a.week = g.week and a.delivery_id = g.id
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
  ),
  gone as (
    delete from hooks.message m using old where m.week = old.week and m.tenant = old.tenant and m.id = old.id returning 1
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
