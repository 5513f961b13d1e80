import { after, list, NOW } from './fragments.ts'

/** One parameter a column; $12 is the version, $13 the installation that the tables must be of, or null. */
const GIVEN = `
  meta as (
    select version, least_client, installation from hooks.meta where component = 'storage'
  ),
  given as materialized (
    select g.*
    from unnest(
      ${list('$1', 'text')}, ${list('$2', 'int')}, ${list('$3', 'text')}, ${list('$4', 'text')}, ${list('$5', 'float8')},
      ${list('$6', 'text')}, ${list('$7', 'text')}, ${list('$8', 'float8')}, ${list('$9', 'text')}, ${list('$10', 'text')},
      ${list('$11', 'float8')}, ${list('$14', 'text')}, ${list('$15', 'float8')}
    ) with ordinality as g(
      id, week, tenant, type, occurred_at, data, key, keep_ms, channels, endpoints, due_ms, ordering_key, ordering_wait_ms, place)
    where exists (
      select 1 from meta
      where version >= $12::text::int and least_client <= $12::text::int
        and ($13::text is null or installation = $13::text))
  )`

/** Stores the messages of `fresh` that are not there yet, each with its mark. */
const STORED = `
  stored as (
    insert into hooks.message (week, id, tenant, type, occurred_at, created_at, idempotency_key, channels, endpoints, ordering_key)
    select week, id, tenant, type, to_timestamp(occurred_at / 1000), ${NOW}, key, channels, endpoints, ordering_key from fresh
    on conflict do nothing
    returning tenant, id
  ),
  kept as (
    insert into hooks.payload (week, id, created_at, data)
    select f.week, f.id, ${NOW}, f.data from fresh f join stored s on s.id = f.id and s.tenant = f.tenant
  ),
  marked as (
    insert into hooks.outbox (id, week, tenant, type, occurred_at, due_at, ordering_key, ordering_wait_ms, ordering_seq)
    select f.id, f.week, f.tenant, f.type, to_timestamp(f.occurred_at / 1000), ${after('f.due_ms')}, f.ordering_key, f.ordering_wait_ms,
      case when f.ordering_key is not null then nextval('hooks.ordering') end
    from (select f.* from fresh f join stored s on s.id = f.id and s.tenant = f.tenant order by f.place) f
  )`

const ANSWER = `
  select m.version, m.least_client as least, m.installation, r.id, r.outcome
  from meta m
  left join answered r on true
  order by r.place`

/** Messages without idempotency keys. */
export const PUT = `
  with ${GIVEN},
  fresh as (select * from given),
  ${STORED},
  answered as (select id, place, 'created' as outcome from given)
  ${ANSWER}`

const DIGEST = (row: string) => `sha256(convert_to(${row}.type || chr(10) || ${row}.data, 'UTF8'))`

/**
 * Messages of which some have keys. To "do nothing" about a key that is there gives no row of one that another
 * transaction has written a moment ago, so it is updated to what it is: that waits for the other, and gives its message.
 */
export const PUT_KEYED = `
  with ${GIVEN},
  keyed as (
    insert into hooks.idempotency as k (tenant, key, message_id, digest, expires_at)
    select distinct on (g.tenant, g.key) g.tenant, g.key, g.id, ${DIGEST('g')}, ${after('g.keep_ms')}
    from given g
    where g.key is not null
    order by g.tenant, g.key, g.place
    on conflict (tenant, key) do update set
      message_id = case when k.expires_at <= ${NOW} then excluded.message_id else k.message_id end,
      digest = case when k.expires_at <= ${NOW} then excluded.digest else k.digest end,
      expires_at = case when k.expires_at <= ${NOW} then excluded.expires_at else k.expires_at end
    returning tenant, key, message_id, digest
  ),
  fresh as (
    select g.* from given g left join keyed k on k.tenant = g.tenant and k.key = g.key
    where g.key is null or k.message_id = g.id
  ),
  ${STORED},
  answered as (
    select g.place, coalesce(k.message_id, g.id) as id,
      case when g.key is null or k.message_id = g.id then 'created' when k.digest = ${DIGEST('g')} then 'duplicate' else 'conflict' end as outcome
    from given g left join keyed k on k.tenant = g.tenant and k.key = g.key
  )
  ${ANSWER}`
