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

/** Ends what is open of an endpoint, in two statements. */
export const END_ALL_OF_ENDPOINT = `
  update hooks_delivery
  set state = ?, reason = ?, finished_at = ?, attempts = o.attempts
  from hooks_open o
  where o.endpoint_id = ? and hooks_delivery.id = o.id`

export const CLOSE_ALL_OF_ENDPOINT = `delete from hooks_open where endpoint_id = ?`
