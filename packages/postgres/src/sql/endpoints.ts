import { ENDED_COLUMNS, epoch, KEPT_COLUMNS, list, NOW, noIndex, readyAt } from './fragments.ts'
import { functionOf } from './function.ts'

/** The columns of an endpoint, in words that no driver renames. */
export const ENDPOINT_COLUMNS = `e.id, e.tenant as owner, e.url, e.filters, e.channels, e.state, e.reason, e.name, e.metadata,
  e.secrets, e.settings, e.rev, ${epoch('e.created_at')} as created, ${epoch('e.updated_at')} as updated`

export const FIND_ENDPOINT = `
  select ${ENDPOINT_COLUMNS} from hooks.endpoint e where e.id = $2::text and e.tenant = $1::text`

/** Reads the endpoints of tenants. */
export const ENDPOINTS_FUNCTION = functionOf(
  'endpoints_of',
  'p_tenants text[]',
  `table (id text, owner text, url text, filters text, channels text, state text, reason text, name text, metadata text,
    secrets text, settings text, rev int, created bigint, updated bigint)`,
  `
begin
  return query
  select ${ENDPOINT_COLUMNS}
  from (select distinct tenant from unnest(p_tenants) as t(tenant)) t
  cross join lateral (select e.* from hooks.endpoint e where e.tenant = t.tenant offset 0) e
  order by e.tenant, e.id;
end`,
)

/** The endpoints of tenants, $1. */
export const ENDPOINTS_OF_TENANTS = `select * from hooks.endpoints_of(${list('$1', 'text')}, ${NOW})`

/** Tables of another version, or of another database than $14 names, are left alone: no endpoint is made there. */
const FITTING = `
  meta as (select version, least_client, installation from hooks.meta where component = 'storage'),
  fitting as (
    select 1 from meta
    where version >= $13::text::int and least_client <= $13::text::int and ($14::text is null or installation = $14::text)
  )`

/**
 * Creates an endpoint and its lane: $1 id, $2 tenant, $3 to $11 what {@link UPDATE_ENDPOINT} replaces, $12 the limit, $15
 * and $16 the concurrency and the rate of its lane. The
 * tenant's row counts, so that the limit holds for creations at the same time: a count of endpoints would not see them.
 * Nothing is made while one that was removed has left something open under the id: its new lane would not count that.
 */
export const CREATE_ENDPOINT = `
  with ${FITTING},
  known as (select 1 from hooks.endpoint where id = $1::text),
  remains as (
    select 1 from hooks.open o
    where o.endpoint_id = $1::text and ${noIndex('o.tenant = $2::text')} and not exists (select 1 from known)
    limit 1
  ),
  counted as (
    insert into hooks.tenant as t (tenant, endpoints)
    select $2::text, 1 from fitting
    where not exists (select 1 from known) and not exists (select 1 from remains) and $12::text::int > 0
    on conflict (tenant) do update set endpoints = t.endpoints + 1 where t.endpoints < $12::text::int
    returning tenant
  ),
  created as (
    insert into hooks.endpoint
      (id, tenant, url, filters, channels, state, reason, name, metadata, secrets, settings, rev, created_at, updated_at)
    select $1::text, c.tenant, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text, 1, ${NOW}, ${NOW}
    from counted c
    returning id
  ),
  lane as (
    insert into hooks.lane (endpoint_id, tenant, concurrency, per_second)
    select id, $2::text, $15::text::int, $16::text::float8 from created
  )
  select m.version, m.least_client as least, m.installation,
    ((select count(*) from known) + (select count(*) from created))::int as n, (select count(*) from remains)::int as remains
  from meta m`

/**
 * Replaces all but id and tenant, of the rev $12; $15 and $16 are the concurrency and the rate of its lane. Enabled, an
 * endpoint starts afresh: what its lane has learned was before. What its rate made it wait for ends with the rate.
 */
export const UPDATE_ENDPOINT = `
  with ${FITTING},
  before as (
    select e.id, e.state, e.rev from hooks.endpoint e
    where e.id = $1::text and e.tenant = $2::text and exists (select 1 from fitting)
    for update
  ),
  changed as (
    update hooks.endpoint e
    set url = $3::text, filters = $4::text, channels = $5::text, state = $6::text, reason = $7::text, name = $8::text,
      metadata = $9::text, secrets = $10::text, settings = $11::text, rev = e.rev + 1, updated_at = ${NOW}
    from before b
    where e.id = b.id and b.rev = $12::text::int
    returning e.id, b.state = 'disabled' and e.state = 'enabled' as afresh
  ),
  locked as (
    select l.* from hooks.lane l where l.endpoint_id in (select id from changed) for update
  ),
  wanted as (
    select l.endpoint_id, l.open, l.leased, l.waiting_from, l.leased_from, l.paused, l.ready_at as was, c.afresh, false as is_full,
      $16::text::float8 as per_second,
      case when l.per_second is distinct from $16::text::float8 then least(l.free_at, ${NOW}) else l.free_at end as free_at,
      case when c.afresh then '-infinity' else l.held_until end as held_until,
      l.failing and not c.afresh as failing,
      l.probing and not c.afresh as probing,
      case when not c.afresh then l.cap end as cap,
      case when c.afresh then 0 else l.failures end as failures,
      case when c.afresh then 0 else l.exhausted end as exhausted,
      case when not c.afresh then l.first_failure_at end as first_failure_at,
      case when not c.afresh then l.last_failure_at end as last_failure_at,
      case when c.afresh then 0 else l.warned end as warned
    from locked l
    join changed c on c.id = l.endpoint_id
    where c.afresh or l.concurrency is distinct from $15::text::int or l.per_second is distinct from $16::text::float8
  ),
  moved as (
    update hooks.lane l
    set concurrency = $15::text::int, per_second = w.per_second, free_at = w.free_at, held_until = w.held_until,
      failing = w.failing, probing = w.probing, cap = w.cap, failures = w.failures, exhausted = w.exhausted,
      first_failure_at = w.first_failure_at, last_failure_at = w.last_failure_at, warned = w.warned, is_full = false,
      ready_at = w.ready_at, rev = l.rev + 1
    from (select w.*, ${readyAt('w', 'w.was')} as ready_at from wanted w) w
    where l.endpoint_id = w.endpoint_id
  )
  select m.version, m.least_client as least, m.installation, (select count(*) from changed)::int as n from meta m`

/** Removes an endpoint and its lane, without which nothing of it is claimed or settled. $1 tenant, $2 id, $3 version, $4 installation. */
export const REMOVE_ENDPOINT = `
  with ${FITTING.replaceAll('$13', '$3').replaceAll('$14', '$4')},
  gone as (
    delete from hooks.endpoint e
    where e.id = $2::text and e.tenant = $1::text and exists (select 1 from fitting)
    returning e.id, e.tenant
  ),
  lane as (
    delete from hooks.lane l using gone g where l.endpoint_id = g.id
  ),
  counted as (
    update hooks.tenant t set endpoints = t.endpoints - 1 from gone g where t.tenant = g.tenant
  )
  select m.version, m.least_client as least, m.installation, (select count(*) from gone)::int as n from meta m`

/** Ends open rows as cancelled, of a list of ids. */
const cancelled = (ids: string): string => `
  with closed as (
    delete from hooks.open o where o.id = any(array(${ids})) returning o.*
  ),
  history as (
    insert into hooks.ended (${ENDED_COLUMNS})
    select ${KEPT_COLUMNS}, 'cancelled', 'endpoint_deleted', attempts, ${NOW}
    from closed
  )
  select count(*)::int as n from closed`

/**
 * Ends what an endpoint, $1 of tenant $2, has left open when it was removed: $3 how many at most. In the order of the one
 * index that is of use here: with any other, each of very many calls would sort all that is left. What another is at, who
 * retires or expunges it, is ended by that one: to wait for each other, both without a lane to lock, could be for ever.
 */
export const SWEEP_ENDPOINT = cancelled(`
  select o.id from hooks.open o
  where o.endpoint_id = $1::text and ${noIndex('o.tenant = $2::text')}
    and not exists (select 1 from hooks.lane l where l.endpoint_id = $1::text)
  order by o.due_at, o.id limit $3::text::int for update of o skip locked`)

/** Ends what any endpoint that is gone has left open: whoever removed it has died. $1 how many at most. */
export const SWEEP_ALL = cancelled(`
  select o.id from hooks.open o
  where not exists (select 1 from hooks.lane l where l.endpoint_id = o.endpoint_id)
  limit $1::text::int for update of o skip locked`)
