import { ENDED_COLUMNS, epoch, list, NOW, readyAt } from './fragments.ts'

/** The columns of an endpoint, in words that no driver renames. */
export const ENDPOINT_COLUMNS = `e.id, e.tenant as owner, e.url, e.filters, e.channels, e.state, e.reason, e.name, e.metadata,
  e.secrets, e.settings, e.rev, ${epoch('e.created_at')} as created, ${epoch('e.updated_at')} as updated`

export const FIND_ENDPOINT = `
  select ${ENDPOINT_COLUMNS} from hooks.endpoint e where e.id = $2::text and e.tenant = $1::text`

export const LIST_ENDPOINTS = `
  select ${ENDPOINT_COLUMNS} from hooks.endpoint e
  where e.tenant = $1::text and e.id > $2::text order by e.id limit $3::text::int`

export const ENDPOINTS_OF_TENANTS = `
  select ${ENDPOINT_COLUMNS} from hooks.endpoint e
  where e.tenant = any(${list('$1', 'text')}) order by e.tenant, e.id`

/** Tables of another version, or of another database than $14 names, are left alone: no endpoint is made there. */
const FITTING = `
  meta as (select version, least_client, installation from hooks.meta where component = 'storage'),
  fitting as (
    select 1 from meta
    where version >= $13::text::int and least_client <= $13::text::int and ($14::text is null or installation = $14::text)
  )`

/**
 * Creates an endpoint and its lane: $1 id, $2 tenant, $3 to $11 what {@link UPDATE_ENDPOINT} replaces, $12 the limit. The
 * tenant's row counts, so that the limit holds for creations at the same time: a count of endpoints would not see them.
 */
export const CREATE_ENDPOINT = `
  with ${FITTING},
  known as (select 1 from hooks.endpoint where id = $1::text),
  counted as (
    insert into hooks.tenant as t (tenant, endpoints)
    select $2::text, 1 from fitting where not exists (select 1 from known) and $12::text::int > 0
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
    insert into hooks.lane (endpoint_id) select id from created
  )
  select m.version, m.least_client as least, m.installation,
    ((select count(*) from known) + (select count(*) from created))::int as n
  from meta m`

/** Replaces all but id and tenant, of the rev $12. Enabled, an endpoint starts afresh: what it was held for was before. */
export const UPDATE_ENDPOINT = `
  with ${FITTING},
  before as (
    select e.id, e.state, e.rev from hooks.endpoint e where e.id = $1::text and e.tenant = $2::text and exists (select 1 from fitting) for update
  ),
  changed as (
    update hooks.endpoint e
    set url = $3::text, filters = $4::text, channels = $5::text, state = $6::text, reason = $7::text, name = $8::text,
      metadata = $9::text, secrets = $10::text, settings = $11::text, rev = e.rev + 1, updated_at = ${NOW}
    from before b
    where e.id = b.id and b.rev = $12::text::int
    returning e.id, b.state as was
  ),
  lifted as (
    update hooks.lane l
    set held_until = '-infinity', ready_at = c.ready_at, rev = c.rev + 1
    from (
      select c.endpoint_id, c.rev, ${readyAt('c')} as ready_at
      from (
        select l.endpoint_id, l.rev, l.open, l.is_full, l.waiting_from, l.leased_from, l.ready_at, '-infinity'::timestamptz as held_until
        from hooks.lane l
        where l.endpoint_id in (select id from changed where was = 'disabled' and $6::text = 'enabled')
        for update
      ) c
    ) c
    where l.endpoint_id = c.endpoint_id
  )
  select m.version, m.least_client as least, m.installation, (select count(*) from changed)::int as n from meta m`

/** Ends open rows as cancelled, from a relation `closed` of them. */
const CANCELLED = `
  history as (
    insert into hooks.ended (${ENDED_COLUMNS})
    select week, id, tenant, endpoint_id, message_id, message_week, type, created_at, 'cancelled', 'endpoint_deleted', attempts, ${NOW}
    from closed
  )`

/** Removes an endpoint and its lane, and ends what is open. $1 tenant, $2 id, $3 version, $4 installation. */
export const REMOVE_ENDPOINT = `
  with ${FITTING.replaceAll('$13', '$3').replaceAll('$14', '$4')},
  gone as (
    delete from hooks.endpoint e
    where e.id = $2::text and e.tenant = $1::text and exists (select 1 from fitting)
    returning e.id, e.tenant
  ),
  lane as (
    delete from hooks.lane l using gone g where l.endpoint_id = g.id returning l.endpoint_id
  ),
  closed as (
    delete from hooks.open o using lane l where o.endpoint_id = l.endpoint_id returning o.*
  ),
  ${CANCELLED},
  counted as (
    update hooks.tenant t set endpoints = t.endpoints - 1 from gone g where t.tenant = g.tenant
  )
  select m.version, m.least_client as least, m.installation, (select count(*) from gone)::int as n from meta m`

/**
 * Ends what came to an endpoint, $1, between the beginning of its removal and the lock of its lane: the removal does not
 * see it.
 */
export const SWEEP_ENDPOINT = `
  with closed as (
    delete from hooks.open o
    where o.endpoint_id = $1::text and not exists (select 1 from hooks.lane l where l.endpoint_id = $1::text)
    returning o.*
  ),
  ${CANCELLED}
  select count(*)::int as n from closed`
