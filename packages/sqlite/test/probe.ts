import type { SqliteHandle } from '../src/index.ts'

/** What must not be, by what it would mean: each statement finds the ids of what is wrong. */
const WRONG: Readonly<Record<string, string>> = {
  'open and ended at once': `select o.id from hooks_open o join hooks_delivery d on d.id = o.id where d.finished_at is not null`,
  'neither open nor ended': `
    select d.id from hooks_delivery d where d.finished_at is null and not exists (select 1 from hooks_open o where o.id = d.id)`,
  'open, and no delivery': `select o.id from hooks_open o where not exists (select 1 from hooks_delivery d where d.id = o.id)`,
  'two deliveries of a message for an endpoint': `
    select min(id) as id from hooks_delivery group by message_seq, endpoint_id having count(*) > 1`,
  'a message with its mark and deliveries': `
    select m.id from hooks_outbox o join hooks_message m on m.seq = o.seq
    where exists (select 1 from hooks_delivery d where d.message_seq = o.seq)`,
  'a mark without its message': `select o.seq as id from hooks_outbox o where not exists (select 1 from hooks_message m where m.seq = o.seq)`,
  'a message without its payload': `select m.id from hooks_message m where not exists (select 1 from hooks_payload p where p.seq = m.seq)`,
  'a payload without its message': `select p.seq as id from hooks_payload p where not exists (select 1 from hooks_message m where m.seq = p.seq)`,
  'a delivery without its message': `
    select d.id from hooks_delivery d where not exists (select 1 from hooks_message m where m.seq = d.message_seq)`,
  'a key of no message': `
    select i.message_id as id from hooks_idempotency i where not exists (select 1 from hooks_message m where m.id = i.message_id)`,
  'a delivery without a lane': `
    select o.id from hooks_open o where not exists (select 1 from hooks_lane l where l.endpoint_id = o.endpoint_id)`,
  'a lease without its token': `select id from hooks_open where leased = 1 and token is null`,
  'a lane that nobody would look at again': `
    select l.endpoint_id as id from hooks_lane l
    where l.ready_at is null and l.paused = 0 and l.held_until = 0
      and exists (select 1 from hooks_open o where o.endpoint_id = l.endpoint_id and o.waits = 0)`,
  'attempts that are not numbered without a gap': `
    select d.id from hooks_delivery d left join hooks_open o on o.id = d.id
      left join hooks_attempt a on a.delivery_id = d.id and a.error is not 'lost'
    group by d.id
    having count(a.n) <> max(coalesce(o.attempts, d.attempts)) or count(distinct a.n) <> count(a.n)
      or coalesce(max(a.n), 0) <> count(a.n)`,
  'attempts of no delivery': `
    select a.delivery_id as id from hooks_attempt a where not exists (select 1 from hooks_delivery d where d.id = a.delivery_id)`,
}

/** Reads the tables past the storage, and tells what is wrong with them. */
export function probe(handle: SqliteHandle): string[] {
  const all = (sql: string) => handle.prepare(sql).all() as Record<string, unknown>[]
  const wrong = Object.entries(WRONG).flatMap(([what, statement]) => all(statement).map(({ id }) => `${what}: ${id}`))
  const [{ integrity_check: integrity } = {}] = all('pragma integrity_check')
  return integrity === 'ok' ? wrong : [...wrong, `the file: ${integrity}`]
}
