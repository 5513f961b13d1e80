/**
 * The place at the end of those that are ready at the same time, for two parameters that are that time. Order is kept
 * by the index, so that no counter is written to by every transaction.
 */
const LAST_PLACE = `1 + max(
  coalesce((select max(ready_seq) from hooks_lane where failing = 0 and ready_at = ?), 0),
  coalesce((select max(ready_seq) from hooks_lane where failing = 1 and ready_at = ?), 0))`

export const INSERT_LANE = `
  insert into hooks_lane (endpoint_id, tenant, concurrency, per_second) values (?, ?, ?, ?) on conflict do nothing`

export const SET_LIMITS = `update hooks_lane set concurrency = ?, per_second = ? where endpoint_id = ?`

/** As after a success, not held, and without a cap of its own. */
export const RESET_LANE = `
  update hooks_lane
  set held_until = 0, cap = null, failing = 0, probing = 0, failures = 0, exhausted = 0, first_failure_at = null, last_failure_at = null,
    warned = 0
  where endpoint_id = ?`

/** Of a list of ids, those that a success changes. */
export const SUCCEED = `
  update hooks_lane
  set failing = 0, probing = 0, failures = 0, exhausted = 0, first_failure_at = null, last_failure_at = null, warned = 0
  where endpoint_id in (select value from json_each(?)) and (failures > 0 or failing or probing or warned)`

/** Rows of endpoint, failures, those of them that ended a delivery. The parameters before are the time, twice. */
export const FAIL = `
  update hooks_lane
  set failures = failures + (j.value ->> 1), exhausted = exhausted + (j.value ->> 2),
    first_failure_at = coalesce(first_failure_at, ?), last_failure_at = ?
  from json_each(?) j
  where hooks_lane.endpoint_id = j.value ->> 0`

export const DELETE_LANE = `delete from hooks_lane where endpoint_id = ?`

/** The lanes of a list of ids, and when the first of their deliveries is due: of those that wait, and of those that are leased. */
export const READ_LANES = `
  select l.*,
    (select min(due_at) from hooks_open o where o.endpoint_id = l.endpoint_id and o.leased = 0) as waiting_at,
    (select min(due_at) from hooks_open o where o.endpoint_id = l.endpoint_id and o.leased = 1) as lease_ends_at
  from json_each(?) j
  cross join hooks_lane l on l.endpoint_id = j.value`

/** The lanes of a list of ids. */
export const FIND_LANES = `select l.* from json_each(?) j cross join hooks_lane l on l.endpoint_id = j.value`

export const WRITE_LANE = `
  update hooks_lane set failing = ?, held_until = ?, cap = ?, paused = ?, probing = ?, warned = ? where endpoint_id = ?`

export const SET_FREE = `update hooks_lane set free_at = ? where endpoint_id = ?`

export const SET_READY = `update hooks_lane set ready_at = ?, ready_seq = ${LAST_PLACE} where endpoint_id = ?`

/**
 * Lanes that are ready, in the order in which they became so, each with what is leased of it: how many leases run,
 * when the first of them ends, and how many have ended. Failing lanes and the others are two stretches of the index;
 * a claim for one kind alone gives the other parameter {@link NEITHER}. Each goes on from after a place.
 */
export const READY_LANES = `
  select ready.*,
    (select count(*) from hooks_open o where o.endpoint_id = ready.endpoint_id and o.leased = 1 and o.due_at > ?) as flying,
    (select min(due_at) from hooks_open o where o.endpoint_id = ready.endpoint_id and o.leased = 1 and o.due_at > ?) as lease_ends_at,
    (select count(*) from hooks_open o where o.endpoint_id = ready.endpoint_id and o.leased = 1 and o.due_at <= ?) as lost
  from (
    select * from hooks_lane where failing = ? and ready_at <= ? and (ready_at, ready_seq) > (?, ?)
    union all
    select * from hooks_lane where failing = ? and ready_at <= ? and (ready_at, ready_seq) > (?, ?)
    order by ready_at, ready_seq
    limit ?) ready
  order by ready_at, ready_seq`

/** No lane's `failing`. */
export const NEITHER = -1

/** When the first that waits is due, of each lane of a list of ids, in its order. */
export const WAITING_OF_LANES = `
  select (select min(due_at) from hooks_open o where o.endpoint_id = j.value and o.leased = 0) as at from json_each(?) j`

/** When the first lane is ready, or the first mark due. */
export const NEXT_DUE = `
  select min(at) as at from (
    select min(ready_at) as at from hooks_lane where failing = 0 and ready_at is not null
    union all
    select min(ready_at) from hooks_lane where failing = 1 and ready_at is not null
    union all
    select min(due_at) from hooks_outbox)`
