import { epoch, list } from './fragments.ts'

/** The columns of a message, in words that no driver renames. */
export const MESSAGE_COLUMNS = `m.id, m.tenant, m.type, ${epoch('m.occurred_at')} as occurred, ${epoch('m.created_at')} as created,
  m.idempotency_key as key, m.channels, m.endpoints, m.ordering_key as ordering`

/**
 * Messages with their data, by tenant ($1) and id ($2), of the weeks from $3 to $4, or of none. The weeks are numbers in
 * the statement, so that it is planned for their partitions alone. Each is looked up by itself, as a week that is new seems to
 * have next to none.
 */
export const MESSAGES = `
  select ${MESSAGE_COLUMNS}, p.data,
    (exists (select 1 from hooks.outbox x where x.id = m.id))::int as marked
  from unnest(${list('$1', 'text')}, ${list('$2', 'text')}) with ordinality as g(tenant, id, place)
  cross join lateral (
    select m.*
    from hooks.message m
    where m.tenant = g.tenant and m.id = g.id and m.week >= $3::text::int and m.week <= $4::text::int
    limit 1
  ) m
  left join lateral (
    select p.data
    from hooks.payload p
    where p.id = m.id and p.week = m.week and p.week >= $3::text::int and p.week <= $4::text::int
    limit 1
  ) p on true
  order by g.place`
