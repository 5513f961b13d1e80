/** The time of the statement, by the database's clock. */
export const NOW = 'statement_timestamp()'

/** The time in so many ms from now; of 10^14 and more, never. */
export const after = (ms: string): string =>
  `(case when ${ms} >= 1e14 then 'infinity'::timestamptz else ${NOW} + ${ms} * interval '1 millisecond' end)`

/** A time as whole ms since 1970; null for one that never comes. */
export const epoch = (at: string): string =>
  `(case when isfinite(${at}) then floor(extract(epoch from ${at}) * 1000)::bigint end)`

/** A parameter that is a time in ms since 1970. */
export const timeOf = (parameter: string): string => `to_timestamp(${parameter}::text::float8 / 1000)`

/** A parameter that is a list. */
export const list = (parameter: string, type: string): string => `${parameter}::text::${type}[]`

/** A list of texts for a condition on a column that is unique: it is read once, and not anew for each row that is looked at. */
export const listOnce = (parameter: string): string => `(select ${list(parameter, 'text')})::text[]`

/**
 * Equality of a part of a key by which rows are found for each row of another relation: of all parts alike, so that each
 * is looked up in the index by itself. Of tables that have grown since they were analysed, or never were, a plain equality has
 * all rows read, and sorted or hashed, to find a few.
 */
export const each = (column: string, value: string): string => `${column} = any(array[${value}])`

/** A condition for which no index is used. Something else finds fewer rows, which the planner cannot know before it has seen them. */
export const noIndex = (condition: string): string => `(${condition}) is true`

/** When the first of a lane is due: lease ends included, and those alone where it is full. */
const dueFrom = (lane: string): string =>
  `(case when ${lane}.is_full then ${lane}.leased_from else least(${lane}.waiting_from, ${lane}.leased_from) end)`

/** From when a lane may start one more: its hold is over, and its rate lets it. */
const startFrom = (lane: string): string =>
  `greatest(${lane}.held_until, case when ${lane}.per_second is null then '-infinity'::timestamptz else ${lane}.free_at end)`

/**
 * When a lane is ready, for a row with the columns of one as they are going to be; null for never. One that is ready
 * already, by the column `was`, keeps its place.
 */
export const readyAt = (lane: string, was: string): string => `
  case
    when ${lane}.paused or ${lane}.open = 0 or greatest(${dueFrom(lane)}, ${startFrom(lane)}) = 'infinity' then null
    when ${was} <= ${NOW} and greatest(${dueFrom(lane)}, ${startFrom(lane)}) <= ${NOW} then ${was}
    else greatest(${dueFrom(lane)}, ${startFrom(lane)}, ${NOW})
  end`

/**
 * The one lane of an endpoint, by its newest version: a lane has as many entries in the index as it had versions that
 * somebody's old snapshot may still see, and the others are not walked over.
 */
export const newestLane = (id: string, columns = 'l.*', lock = ''): string => `(
  select ${columns} from hooks.lane l where l.endpoint_id = ${id} order by l.rev desc limit 1 ${lock})`

/**
 * The lanes of a relation with a column `endpoint_id`, locked in one order by everyone. What is read of them is what
 * they are now, but for `seen`, their rev when the statement began. All else is read as it was then: of a lane that is
 * `raced`, which another has changed since, something else than what is there.
 */
export const lockedLanes = (of: string): string => `
  locked as materialized (
    select l.*, s.seen
    from (select distinct endpoint_id from ${of} order by endpoint_id) i
    cross join lateral ${newestLane('i.endpoint_id', 'l.rev as seen')} s
    cross join lateral ${newestLane('i.endpoint_id', 'l.*', 'for update')} l
  ),
  raced as materialized (
    select endpoint_id from locked where rev <> seen
  )`

/** Locks the lanes of an array of endpoints, all in one order, as {@link lockedLanes} does: an array of those that there are. */
export const lockedIds = (ids: string): string => `array(
    select l.endpoint_id
    from (select distinct i.endpoint_id from unnest(${ids}) as i(endpoint_id) order by i.endpoint_id) i
    cross join lateral ${newestLane('i.endpoint_id', 'l.endpoint_id', 'for update')} l)`

/**
 * Writes what a statement did to the rows of locked lanes: `delta` has, for each lane once, its place in the call, how
 * many more are open and leased, the first due time of what waits anew, and whether a lease was given up. `columns` are
 * those that change beside, and `sets` says so; `by` is how their rows
 * are found: by the version that the statement has `seen`, and from there the one that it has `locked`; or by `tid`, each by
 * itself, in a function that has locked them before: a plan made for any number would compare all with all.
 */
export const movedLanes = (columns = '', sets = '', by: 'seen' | 'tid' = 'seen'): string => `
  changed as (
    select l.endpoint_id, l.${by}, d.place, l.held_until, l.paused, l.per_second, l.free_at, l.ready_at as was,
      l.open + d.open as open,
      l.leased + d.leased as leased,
      l.is_full and not d.freed as is_full,
      case when l.open + d.open > l.leased + d.leased then least(l.waiting_from, d.waiting_from) else 'infinity' end as waiting_from,
      case when l.leased + d.leased > 0 then l.leased_from else 'infinity' end as leased_from
      ${columns}
    from ${
      by === 'tid'
        ? `delta d cross join lateral ${newestLane('d.endpoint_id', 'l.ctid as tid, l.*')} l`
        : 'locked l join delta d on d.endpoint_id = l.endpoint_id'
    }
  ),
  moved as (
    update hooks.lane l
    set open = c.open, leased = c.leased, is_full = c.is_full, waiting_from = c.waiting_from, leased_from = c.leased_from,
      ready_at = c.ready_at, turn = case when c.ready_at is distinct from c.was then c.place else l.turn end, rev = l.rev + 1
      ${sets}
    from (select c.*, ${readyAt('c', 'c.was')} as ready_at from changed c offset 0) c
    where ${by === 'tid' ? 'l.ctid = c.tid' : `${each('l.endpoint_id', 'c.endpoint_id')} and l.rev >= c.seen`}
  )`

/**
 * Lets the next of each order begin where its first is in `gone` (id, endpoint_id, ordering_key), or wait for no longer
 * than it has to. Only for lanes that are not raced. `advanced` has the lanes and the times.
 */
export const advancedOrders = (gone: string): string => `
  orders as (
    select distinct endpoint_id, ordering_key from ${gone} where ordering_key is not null
  ),
  queued as (
    select c.endpoint_id, q.id, q.due_at, q.ordering_wait_ms, q.nth,
      exists (
        select 1 from hooks.open f
        where f.endpoint_id = c.endpoint_id and f.ordering_key = c.ordering_key and not f.waits
          and f.id not in (select id from ${gone})) as led
    from orders c
    cross join lateral (
      select o.id, o.due_at, o.ordering_wait_ms, row_number() over (order by o.ordering_seq, o.id) as nth
      from hooks.open o
      where o.endpoint_id = c.endpoint_id and o.ordering_key = c.ordering_key and o.waits
        and o.id not in (select id from ${gone})
      order by o.ordering_seq, o.id
      limit 2
    ) q
  ),
  advanced as (
    update hooks.open o
    set waits = q.nth > 1 or q.led, due_at = case when q.nth = 1 and not q.led then ${NOW} else ${after('q.ordering_wait_ms')} end
    from queued q
    where o.id = q.id
      and case when q.nth = 1 and not q.led then true
        else q.nth = case when q.led then 1 else 2 end and q.due_at = 'infinity' and q.ordering_wait_ms is not null end
    returning o.endpoint_id, o.due_at
  )`

/** The columns of an ended delivery, from a row of `open`. */
export const ENDED_COLUMNS =
  'week, id, tenant, endpoint_id, message_id, message_week, type, created_at, variant, state, reason, attempts, finished_at'

/** The columns of the attempt by which a delivery ended: all null where it ended otherwise. Its number is `attempts`. */
export const LAST_ATTEMPT_COLUMNS =
  'last_at, last_ms, last_status, last_error, last_detail, last_response, last_response_headers, last_manual'

/** What an ended delivery takes over from its row of `open`. */
export const KEPT_COLUMNS = 'week, id, tenant, endpoint_id, message_id, message_week, type, created_at, variant'

/** The state of an open delivery. A lease that has ended is in flight no more. */
export const OPEN_STATE = `
  case when o.leased and o.leased_until > ${NOW} then 'sending' when o.attempts > 0 then 'retrying' else 'pending' end`

/** A lane as it is seen, in words that no driver renames. */
export const laneColumns = (lane: string): string => `
  case when ${lane}.held_until = 'infinity' then -1
    else ceil(extract(epoch from greatest(${lane}.held_until, ${NOW}) - ${NOW}) * 1000) end::bigint as held,
  ${lane}.paused::int as paused, ${lane}.probing::int as probing, ${lane}.failing::int as failing, ${lane}.cap,
  ${lane}.failures, ${lane}.exhausted, ${epoch(`${lane}.first_failure_at`)} as first, ${epoch(`${lane}.last_failure_at`)} as last,
  ${lane}.warned`
