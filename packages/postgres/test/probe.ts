import type { Query } from '../src/index.ts'

/** All deliveries, wherever they are. */
const ALL = `(
  select id, endpoint_id, message_id, attempts from hooks.open
  union all select id, endpoint_id, message_id, attempts from hooks.ended) d`

/** All attempts, those of `ended` too. */
const LOG = `(
  select delivery_id, n, error from hooks.attempt
  union all select id, attempts, last_error from hooks.ended where last_at is not null) a`

/** What must not be, by what it would mean: each statement finds the ids of what is wrong. */
const WRONG: Readonly<Record<string, string>> = {
  'open and ended at once': `select id from ${ALL} group by id having count(*) > 1`,
  'two deliveries of a message for an endpoint': `
    select min(id) as id from ${ALL} group by message_id, endpoint_id having count(*) > 1`,
  'a message with its mark and deliveries': `select o.id from hooks.outbox o join ${ALL} on d.message_id = o.id`,
  'a mark without its message': `select o.id from hooks.outbox o where not exists (select 1 from hooks.message m where m.id = o.id)`,
  'a message without its payload': `select m.id from hooks.message m where not exists (select 1 from hooks.payload p where p.id = m.id)`,
  'a payload without its message': `select p.id from hooks.payload p where not exists (select 1 from hooks.message m where m.id = p.id)`,
  'a delivery without its message': `select d.id from ${ALL} where not exists (select 1 from hooks.message m where m.id = d.message_id)`,
  'a key of no message': `
    select i.message_id as id from hooks.idempotency i where not exists (select 1 from hooks.message m where m.id = i.message_id)`,
  'a delivery without a lane': `
    select o.id from hooks.open o where not exists (select 1 from hooks.lane l where l.endpoint_id = o.endpoint_id)`,
  'a lane that miscounts': `
    select l.endpoint_id as id from hooks.lane l
    where (l.open, l.leased) <> (
      select count(*), count(*) filter (where o.leased) from hooks.open o where o.endpoint_id = l.endpoint_id)`,
  'a lease without its token': `select id from hooks.open where leased and (token is null or leased_until is null)`,
  'a lane that nobody would look at again': `
    select l.endpoint_id as id from hooks.lane l
    where l.ready_at is null and not l.paused and l.held_until < 'infinity' and l.leased = 0
      and exists (select 1 from hooks.open o where o.endpoint_id = l.endpoint_id and o.due_at < 'infinity')`,
  'attempts that are not numbered without a gap': `
    select d.id from ${ALL} left join ${LOG} on a.delivery_id = d.id and a.error is distinct from 'lost'
    group by d.id, d.attempts
    having count(a.n) <> d.attempts or count(distinct a.n) <> d.attempts or coalesce(max(a.n), 0) <> d.attempts`,
  'an end by half an attempt': `
    select id from hooks.ended where (last_at is null) <> (last_ms is null) or (last_at is null) <> (last_manual is null)
      or (last_at is null and (last_status is not null or last_error is not null or last_response is not null))`,
  'attempts of no delivery': `select a.delivery_id as id from hooks.attempt a where not exists (select 1 from ${ALL} where d.id = a.delivery_id)`,
}

/** Reads the tables past the storage, and tells what is wrong with them. */
export async function probe(query: Query): Promise<string[]> {
  const wrong: string[] = []
  for (const [what, statement] of Object.entries(WRONG))
    for (const { id } of await query<{ id: string }>(statement)) wrong.push(`${what}: ${id}`)
  return wrong
}
