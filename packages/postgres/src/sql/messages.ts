import { epoch, list } from './fragments.ts'

/** The columns of a message, in words that no driver renames. */
export const MESSAGE_COLUMNS = `m.id, m.tenant, m.type, ${epoch('m.occurred_at')} as occurred, ${epoch('m.created_at')} as created,
  m.idempotency_key as key, m.channels, m.endpoints, m.ordering_key as ordering`

/**
 * Messages with their data, by tenant ($1) and id ($2), of the weeks from $3 to $4, or of none. The weeks are numbers in
 * the statement, so that it is planned for their partitions alone.
 */
export const MESSAGES = `
  select ${MESSAGE_COLUMNS}, p.data,
    (exists (select 1 from hooks.outbox x where x.id = m.id))::int as marked
  from unnest(${list('$1', 'text')}, ${list('$2', 'text')}) with ordinality as g(tenant, id, place)
  join hooks.message m
    on m.tenant = g.tenant and m.id = g.id and m.week >= $3::text::int and m.week <= $4::text::int
  left join hooks.payload p
    on p.id = m.id and p.week = m.week and p.week >= $3::text::int and p.week <= $4::text::int
  order by g.place`
