export const ATTEMPTS = `
  select a.*
  from hooks_delivery d
  join hooks_attempt a on a.delivery_id = d.id
  where d.id = ? and d.tenant = ?
  order by a.seq`

/** Payloads older than a time that no open delivery and no mark needs, the oldest first. */
export const OLD_PAYLOADS = `
  select p.seq
  from hooks_payload p
  where p.created_at < ?
    and not exists (select 1 from hooks_outbox x where x.seq = p.seq)
    and not exists (
      select 1 from hooks_delivery d cross join hooks_open o on o.id = d.id where d.message_seq = p.seq)
  order by p.created_at
  limit ?`

export const DELETE_PAYLOAD = `delete from hooks_payload where seq = ?`

export const OLD_DELIVERIES = `
  select id from hooks_delivery where finished_at < ? order by finished_at limit ?`

export const DELETE_ATTEMPTS = `delete from hooks_attempt where delivery_id = ?`

export const DELETE_DELIVERY = `delete from hooks_delivery where id = ?`

/**
 * Messages older than a time, twice given, of which nothing else is left. It looks no further than the oldest payload,
 * so that it does not walk through everything whose payload is kept for longer than that.
 */
export const DELETE_EMPTY_MESSAGES = `
  delete from hooks_message where seq in (
    select m.seq
    from hooks_message m
    where m.created_at < min(?, coalesce((select min(created_at) from hooks_payload), ?))
      and not exists (select 1 from hooks_delivery d where d.message_seq = m.seq)
    order by m.created_at
    limit ?)`

/** Of a tenant, in the order of ids: messages, or one of them. */
export const MESSAGES_TO_EXPUNGE = `
  select seq, id from hooks_message where tenant = ? and id >= ? and (? or id = ?) order by id limit ?`

export const DELIVERIES_OF_MESSAGE = `
  select d.id, d.endpoint_id, o.ordering_key
  from hooks_delivery d
  left join hooks_open o on o.id = d.id
  where d.message_seq = ?
  limit ?`

export const DELETE_OPEN = `delete from hooks_open where id = ?`

export const DELETE_MARK = `delete from hooks_outbox where seq = ?`

export const DELETE_MESSAGE = `delete from hooks_message where seq = ?`

export const DELETE_KEYS_OF_MESSAGE = `
  delete from hooks_idempotency
  where tenant = ? and key = (select idempotency_key from hooks_message where seq = ?) and message_id = ?`

/** What else there is of a tenant, when its messages are gone. */
export const EXPUNGE_TENANT = [
  `delete from hooks_lane where endpoint_id in (select id from hooks_endpoint where tenant = ?)`,
  `delete from hooks_endpoint where tenant = ?`,
  `delete from hooks_idempotency where tenant = ?`,
  `delete from hooks_job where id in (select id from hooks_job where tenant = ?)`,
]

export const DELETE_OLD_KEYS = `
  delete from hooks_idempotency where (tenant, key) in (
    select tenant, key from hooks_idempotency where expires_at <= ? order by expires_at limit ?)`
