export const FIND_ENDPOINT = `select * from hooks_endpoint where id = ?`

/** Of a list of ids: whose it is, and its state. */
export const STATES_OF_ENDPOINTS = `
  select e.id, e.tenant, e.state from json_each(?) j cross join hooks_endpoint e on e.id = j.value`

/** Of a list of ids. */
export const FIND_ENDPOINTS = `select e.* from json_each(?) j cross join hooks_endpoint e on e.id = j.value`

export const ENDPOINTS_OF_TENANTS = `
  select e.* from json_each(?) t cross join hooks_endpoint e on e.tenant = t.value order by e.tenant, e.id`

export const COUNT_ENDPOINTS = `select count(*) as n from hooks_endpoint where tenant = ?`

export const INSERT_ENDPOINT = `
  insert into hooks_endpoint
    (id, tenant, url, filters, channels, state, reason, name, metadata, secrets, settings, rev, created_at, updated_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`

export const UPDATE_ENDPOINT = `
  update hooks_endpoint
  set url = ?, filters = ?, channels = ?, state = ?, reason = ?, name = ?, metadata = ?, secrets = ?, settings = ?,
    rev = rev + 1, updated_at = ?
  where id = ?`

export const DELETE_ENDPOINT = `delete from hooks_endpoint where id = ? and tenant = ?`

/** What an endpoint that is gone, its id twice given, has left open of a tenant. */
export const LEFT_BY_ENDPOINT = `
  select o.id, o.endpoint_id, o.attempts
  from hooks_open o
  cross join hooks_delivery d on d.id = o.id
  where o.endpoint_id = ? and not exists (select 1 from hooks_lane l where l.endpoint_id = ?) and d.tenant = ?
  limit ?`

/** What any endpoint that is gone has left open. It goes from endpoint to endpoint, and not through all that is open. */
export const LEFT_BY_ALL = `
  with recursive endpoint(id) as (
    select min(endpoint_id) from hooks_open
    union all
    select (select min(o.endpoint_id) from hooks_open o where o.endpoint_id > e.id) from endpoint e where e.id is not null
  )
  select o.id, o.endpoint_id, o.attempts
  from endpoint e
  cross join hooks_open o on o.endpoint_id = e.id
  where not exists (select 1 from hooks_lane l where l.endpoint_id = e.id)
  limit ?`
