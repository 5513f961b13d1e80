/** Whether a message of this id is there. */
export const FIND_MESSAGE = `select seq from hooks_message where id = ?`

/** The message that has the key, and its data unless that is gone. */
export const FIND_KEY = `
  select k.message_id, m.type, p.data
  from hooks_idempotency k
  left join hooks_message m on m.id = k.message_id
  left join hooks_payload p on p.seq = m.seq
  where k.tenant = ? and k.key = ? and k.expires_at > ?`

export const KEEP_KEY = `
  insert into hooks_idempotency (tenant, key, message_id, expires_at) values (?, ?, ?, ?)
  on conflict (tenant, key) do update set message_id = excluded.message_id, expires_at = excluded.expires_at`

/** No row comes back where the message is there already. */
export const INSERT_MESSAGE = `
  insert into hooks_message (id, tenant, type, occurred_at, created_at, idempotency_key, channels, endpoints, ordering_key)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (id) do nothing
  returning seq`

export const INSERT_PAYLOAD = `insert into hooks_payload (seq, created_at, data) values (?, ?, ?)`

export const INSERT_MARK = `
  insert into hooks_outbox (seq, due_at, tenant, ordering_key, ordering_wait_ms) values (?, ?, ?, ?, ?)`

export const UNEXPANDED = `
  select m.*, p.data
  from hooks_outbox o
  join hooks_message m on m.seq = o.seq
  join hooks_payload p on p.seq = o.seq
  where o.due_at <= ?
  order by o.due_at, o.seq
  limit ?`

/** Of a list of message ids, those that have a mark. */
export const FIND_MARKED = `
  select m.id, m.seq, m.tenant, o.ordering_key, o.ordering_wait_ms
  from json_each(?) j
  cross join hooks_message m on m.id = j.value
  cross join hooks_outbox o on o.seq = m.seq`

/** The first mark of a tenant and ordering key that is not of a list. */
export const FIRST_OF_ORDER = `
  select min(seq) as seq from hooks_outbox
  where tenant = ? and ordering_key = ? and seq not in (select value from json_each(?))`

export const REMOVE_MARKS = `delete from hooks_outbox where seq in (select value from json_each(?))`

/**
 * Rows of id, tenant, endpoint, message, state, reason, end, variant, due time, ordering key, its longest wait, whether it
 * waits, and whether it was made by hand; state, reason and end are null for one that is open.
 */
export const INSERT_DELIVERIES = `
  insert into hooks_delivery (id, tenant, endpoint_id, message_seq, created_at, state, reason, finished_at, variant)
  select value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?, value ->> 4, value ->> 5, value ->> 6, value ->> 7
  from json_each(?)`

/** The same rows: those that are open. */
export const INSERT_OPEN = `
  insert into hooks_open
    (id, endpoint_id, message_seq, since, due_at, ordering_key, ordering_wait_ms, waits, manual)
  select value ->> 0, value ->> 2, value ->> 3, ?, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
  from json_each(?) where value ->> 4 is null`

/** Of a list of message ids, those that were matched and whose payload is there. */
export const FIND_EXPANDED = `
  select m.id, m.seq, m.tenant
  from json_each(?) j
  cross join hooks_message m on m.id = j.value
  where exists (select 1 from hooks_payload p where p.seq = m.seq)
    and not exists (select 1 from hooks_outbox o where o.seq = m.seq)`

/** Whether a message has a delivery for an endpoint. */
export const HAS_DELIVERY = `select 1 from hooks_delivery where message_seq = ? and +endpoint_id = ? limit 1`

/** An ended delivery that is open again. */
export const INSERT_REOPENED = `
  insert into hooks_open (id, endpoint_id, message_seq, due_at, since, attempts, manual) values (?, ?, ?, ?, ?, ?, 1)`
