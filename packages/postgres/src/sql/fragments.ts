/** The time of the statement, by the database's clock. */
export const NOW = 'statement_timestamp()'

/** The time in so many ms from now; of 10^14 and more, never. */
export const after = (ms: string): string =>
  `(case when ${ms} >= 1e14 then 'infinity'::timestamptz else ${NOW} + ${ms} * interval '1 millisecond' end)`

/** A time as whole ms since 1970. */
export const epoch = (at: string): string => `floor(extract(epoch from ${at}) * 1000)::bigint`

/** A parameter that is a time in ms since 1970. */
export const timeOf = (parameter: string): string => `to_timestamp(${parameter}::text::float8 / 1000)`

/** A parameter that is a list. */
export const list = (parameter: string, type: string): string => `${parameter}::text::${type}[]`

/**
 * When a lane is ready, for a row with the columns of one as they are going to be: the time of the first that is due,
 * lease ends included (those alone where it is full), and not before a hold ends. One that is ready already keeps its
 * place. `was` is the column with what it is now.
 */
export const readyAt = (lane: string, was = `${lane}.ready_at`): string => `
  case
    when ${lane}.held_until = 'infinity' or ${lane}.open = 0 then null
    when ${was} <= ${NOW} and ${lane}.held_until <= ${NOW} and ${dueFrom(lane)} <= ${NOW} then ${was}
    else greatest(${dueFrom(lane)}, ${lane}.held_until, ${NOW})
  end`

const dueFrom = (lane: string): string =>
  `(case when ${lane}.is_full then ${lane}.leased_from else least(${lane}.waiting_from, ${lane}.leased_from) end)`

/**
 * The lanes of a relation with a column `endpoint_id`, locked in one order by everyone. What is read of them is what
 * they are now, not what they were when the statement began.
 */
export const lockedLanes = (of: string): string => `
  locked as (
    select l.*
    from hooks.lane l
    where l.endpoint_id in (select endpoint_id from ${of})
    order by l.endpoint_id
    for update
  )`

/**
 * Writes what a statement did to the rows of locked lanes: `delta` has, for each lane once, its place in the call, how
 * many more are open and leased, the first due time of what waits anew, and whether a lease was given up.
 */
export const MOVED_LANES = `
  changed as (
    select l.endpoint_id, d.place, l.held_until, l.ready_at as was,
      l.open + d.open as open,
      l.leased + d.leased as leased,
      l.is_full and not d.freed as is_full,
      case when l.open + d.open > l.leased + d.leased then least(l.waiting_from, d.waiting_from) else 'infinity' end as waiting_from,
      case when l.leased + d.leased > 0 then l.leased_from else 'infinity' end as leased_from
    from locked l
    join delta d on d.endpoint_id = l.endpoint_id
  ),
  moved as (
    update hooks.lane l
    set open = c.open, leased = c.leased, is_full = c.is_full, waiting_from = c.waiting_from, leased_from = c.leased_from,
      ready_at = c.ready_at, turn = case when c.ready_at is distinct from c.was then c.place else l.turn end, rev = l.rev + 1
    from (select c.*, ${readyAt('c', 'c.was')} as ready_at from changed c) c
    where l.endpoint_id = c.endpoint_id
  )`

/** The columns of an ended delivery, from a row of `open`. */
export const ENDED_COLUMNS =
  'week, id, tenant, endpoint_id, message_id, message_week, type, created_at, state, reason, attempts, finished_at'

/** The state of an open delivery. A lease that has ended is in flight no more. */
export const OPEN_STATE = `
  case when o.leased and o.due_at > ${NOW} then 'sending' when o.attempts > 0 then 'retrying' else 'pending' end`
