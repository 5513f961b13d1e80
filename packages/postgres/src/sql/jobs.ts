import { after, epoch, list, NOW } from './fragments.ts'

/** The columns of a job, in words that no driver renames. */
export const JOB_COLUMNS = `j.id, j.tenant, j.kind, j.params, j.state, j.reason, j.cursor, j.progress,
  ${epoch('j.created_at')} as created, ${epoch('j.updated_at')} as updated, ${epoch('j.finished_at')} as finished`

/** $1 id, $2 tenant, $3 kind, $4 params. */
export const INSERT_JOB = `
  with made as (
    insert into hooks.job (id, tenant, kind, params, state, progress, due_at, created_at, updated_at)
    values ($1::text, $2::text, $3::text, $4::text, 'running', '{}', ${NOW}, ${NOW}, ${NOW})
    on conflict do nothing
    returning 1
  )
  select count(*)::int as n from made`

/** $1 tenant, $2 id. */
export const FIND_JOB = `select ${JOB_COLUMNS} from hooks.job j where j.tenant = $1::text and j.id = $2::text`

/** $1 how many, $2 the lease in ms, $3 the token, $4 the worker. */
export const CLAIM_JOBS = `
  with due as (
    select j.id from hooks.job j where j.due_at <= ${NOW} order by j.due_at, j.id limit $1::text::int for update skip locked
  ),
  leased as (
    update hooks.job j
    set due_at = ${NOW} + $2::text::float8 * interval '1 millisecond', token = $3::text, worker = $4::text, claims = j.claims + 1
    from due d
    where j.id = d.id
    returning j.*
  )
  select ${JOB_COLUMNS}, j.attempts, j.claims from leased j order by j.due_at, j.id`

/** Settles steps. A parameter a column: key, token, result, retry in ms, cursor, progress, reason. No key comes twice. */
export const SETTLE_JOBS = `
  with given as (
    select *
    from unnest(
      ${list('$1', 'text')}, ${list('$2', 'text')}, ${list('$3', 'text')}, ${list('$4', 'float8')}, ${list('$5', 'text')},
      ${list('$6', 'text')}, ${list('$7', 'text')}
    ) with ordinality as g(key, token, result, retry_ms, cursor, progress, reason, place)
  ),
  picked as (
    select j.id from hooks.job j where j.id in (select key from given) order by j.id for update
  ),
  settled as (
    update hooks.job j
    set state = case when g.result = 'continue' then j.state else g.result end,
      reason = case when g.result = 'failed' then g.reason end,
      cursor = case when g.result = 'continue' then g.cursor else j.cursor end,
      progress = g.progress,
      due_at = case when g.result = 'continue' then ${after('g.retry_ms')} end,
      token = null, worker = null, claims = 0, attempts = j.attempts + 1, updated_at = ${NOW},
      finished_at = case when g.result <> 'continue' then ${NOW} end
    from given g
    join picked p on p.id = g.key
    where j.id = g.key and j.due_at is not null and j.token = g.token
    returning g.place
  )
  select place::int as place from settled`

/** $1 keys, $2 tokens. */
export const RELEASE_JOBS = `
  with given as (
    select * from unnest(${list('$1', 'text')}, ${list('$2', 'text')}) as g(key, token)
  ),
  picked as (
    select j.id from hooks.job j where j.id in (select key from given) order by j.id for update
  ),
  released as (
    update hooks.job j
    set due_at = ${NOW}, token = null, worker = null, claims = j.claims - 1
    from given g
    join picked p on p.id = g.key
    where j.id = g.key and j.token = g.token
    returning 1
  )
  select count(*)::int as n from released`

/** $1 tenant, $2 id. */
export const CANCEL_JOB = `
  with cancelled as (
    update hooks.job j
    set state = 'cancelled', due_at = null, token = null, worker = null, updated_at = ${NOW}, finished_at = ${NOW}
    where j.tenant = $1::text and j.id = $2::text and j.due_at is not null
    returning 1
  )
  select count(*)::int as n from cancelled`

export const NEXT_JOB = `
  select ceil(extract(epoch from greatest(min(due_at), ${NOW}) - ${NOW}) * 1000)::bigint as ms
  from hooks.job where due_at is not null having min(due_at) is not null`

/** $1 before (ms), $2 how many at most. */
export const DELETE_JOBS = `
  with old as (
    select j.id from hooks.job j where j.finished_at < to_timestamp($1::text::float8 / 1000) order by j.finished_at limit $2::text::int
    for update skip locked
  ),
  gone as (
    delete from hooks.job j using old where j.id = old.id returning 1
  )
  select count(*)::int as n from gone`
