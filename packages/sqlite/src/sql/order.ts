/** The first of a chain that waits, or that does not: of an endpoint and ordering key. */
export const FIRST_OF_CHAIN = `
  select id, due_at, ordering_wait_ms from hooks_open
  where endpoint_id = ? and ordering_key = ? and waits = ?
  order by message_seq
  limit 1`

export const BEGIN_NEXT = `update hooks_open set waits = 0, due_at = ? where id = ?`

export const LIMIT_WAIT = `update hooks_open set due_at = ? where id = ?`

/** All of a chain that do not wait, but one. */
export const LEAVE_CHAIN = `
  update hooks_open set ordering_key = null
  where endpoint_id = ? and ordering_key = ? and waits = 0 and id <> ?`
