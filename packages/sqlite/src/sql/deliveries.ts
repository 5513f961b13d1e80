/**
 * Many rows go through one statement as one JSON text, because a call into a driver costs more than what SQLite does
 * for a row. Its rows are arrays, and `value ->> n` is their column n.
 */

/** What is due of one lane, with its message: `leased` 0 for what waits, 1 for what a worker has lost. */
export const DUE_OF_LANE = `
  select o.id, o.endpoint_id, o.due_at, o.leased, o.claimed_at, o.claims, o.attempts, o.step, o.since, o.manual,
    o.ordering_key, o.waits, d.variant,
    m.id as message_id, m.tenant, m.type, m.occurred_at, p.data
  from hooks_open o
  join hooks_message m on m.seq = o.message_seq
  join hooks_payload p on p.seq = o.message_seq
  join hooks_delivery d on d.id = o.id
  where o.endpoint_id = ? and o.leased = ? and o.due_at <= ?
  order by o.due_at, o.id
  limit ?`

/** Leases the deliveries of a list of ids. */
export const LEASE = `
  update hooks_open set due_at = ?, leased = 1, token = ?, worker = ?, claimed_at = ?, claims = claims + 1, waits = 0
  where id in (select value from json_each(?))`

/** Of a list of ids, those that are open, and whose endpoint is there. */
export const FIND_OPEN = `
  select o.id, o.endpoint_id, o.leased, o.token, o.attempts, o.manual, o.ordering_key
  from json_each(?) j
  cross join hooks_open o on o.id = j.value
  where exists (select 1 from hooks_lane l where l.endpoint_id = o.endpoint_id)`

/** Rows of id, due time, attempts. */
export const RETRY = `
  update hooks_open
  set due_at = j.value ->> 1, attempts = j.value ->> 2, step = step + 1, manual = 0,
    leased = 0, token = null, worker = null, claimed_at = null, claims = 0
  from json_each(?) j
  where hooks_open.id = j.value ->> 0`

export const RELEASE = `
  update hooks_open
  set due_at = ?, leased = 0, token = null, worker = null, claimed_at = null, claims = claims - 1
  where id = ? and leased = 1 and token = ?
  returning endpoint_id`

/** Rows of id, state, reason, attempts. {@link CLOSE} takes the same rows. */
export const END = `
  update hooks_delivery
  set state = j.value ->> 1, reason = j.value ->> 2, attempts = j.value ->> 3, finished_at = ?
  from json_each(?) j
  where hooks_delivery.id = j.value ->> 0`

export const CLOSE = `delete from hooks_open where id in (select value ->> 0 from json_each(?))`

export const REOPEN = `update hooks_delivery set state = null, reason = null, finished_at = null where id = ?`

/** An open delivery that waits: due now, with the whole schedule before it. */
export const RESTART = `
  update hooks_open
  set due_at = ?, leased = 0, token = null, worker = null, claimed_at = null, claims = 0, step = 0, since = ?, manual = 1,
    ordering_key = iif(waits, null, ordering_key), waits = 0
  where id = ?`

/** Rows of the delivery's id and the columns after it. */
export const INSERT_ATTEMPTS = `
  insert into hooks_attempt (delivery_id, n, at, ms, status, error, detail, response, response_headers, manual)
  select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
    value ->> 9
  from json_each(?)`

export const DEPTH = `
  select
    (select count(*) from hooks_outbox) as unexpanded,
    (select min(due_at) from hooks_outbox) as first_mark_at,
    (select count(*) from hooks_lane where held_until > ? or paused) as held,
    count(*) as open,
    count(*) filter (where due_at <= ?) as due,
    min(due_at) as first_due_at
  from hooks_open`
