export const INSERT_JOB = `
  insert into hooks_job (id, tenant, kind, params, state, progress, due_at, created_at, updated_at)
  values (?, ?, ?, ?, 'running', '{}', ?, ?, ?)
  on conflict do nothing`

export const FIND_JOB = `select * from hooks_job where id = ? and tenant = ?`

export const DUE_JOBS = `select * from hooks_job where due_at <= ? order by due_at, id limit ?`

export const LEASE_JOB = `update hooks_job set due_at = ?, token = ?, worker = ?, claims = claims + 1 where id = ?`

export const CONTINUE_JOB = `
  update hooks_job
  set due_at = ?, cursor = ?, progress = ?, updated_at = ?, token = null, worker = null, claims = 0, attempts = attempts + 1
  where id = ? and token = ?`

/** The last two parameters are the token that must be held. */
export const END_JOB = `
  update hooks_job
  set state = ?, reason = ?, progress = coalesce(?, progress), updated_at = ?, finished_at = ?,
    due_at = null, token = null, worker = null
  where id = ? and due_at is not null and (? is null or token = ?)`

export const RELEASE_JOB = `
  update hooks_job set due_at = ?, token = null, worker = null, claims = claims - 1 where id = ? and token = ?`

export const NEXT_JOB = `select min(due_at) as at from hooks_job where due_at is not null`

export const DELETE_OLD_JOBS = `
  delete from hooks_job where id in (select id from hooks_job where finished_at < ? order by finished_at limit ?)`
