import type { Applied, Endpoint, NewEndpoint, Page, Paged } from '@hooks/core'
import { hold } from './lanes.ts'
import { paged } from './page.ts'
import { type EndpointRow, endpointOf, endpointValues } from './rows.ts'
import type { Session } from './session.ts'
import {
  CLOSE_ALL_OF_ENDPOINT,
  COUNT_ENDPOINTS,
  DELETE_ENDPOINT,
  END_ALL_OF_ENDPOINT,
  ENDPOINTS_OF_TENANTS,
  FIND_ENDPOINT,
  INSERT_ENDPOINT,
  LIST_ENDPOINTS,
  UPDATE_ENDPOINT,
} from './sql/endpoints.ts'
import { DELETE_LANE, INSERT_LANE } from './sql/lanes.ts'
import type { Epoch } from './time.ts'

/** {@link Endpoints.get}. */
export function getEndpoint(db: Session, tenant: string, id: string): Endpoint | null {
  const row = db.get<EndpointRow>(FIND_ENDPOINT, id)
  return row && row.tenant === tenant ? endpointOf(row) : null
}

/** {@link Endpoints.list}. */
export function listEndpoints(db: Session, tenant: string, { cursor = '', limit }: Page): Paged<Endpoint> {
  return paged(db.all<EndpointRow>(LIST_ENDPOINTS, tenant, cursor, limit + 1).map(endpointOf), limit)
}

/** {@link Endpoints.forTenants}. */
export function endpointsOf(db: Session, tenants: readonly string[]): Endpoint[] {
  return db.all<EndpointRow>(ENDPOINTS_OF_TENANTS, JSON.stringify([...new Set(tenants)])).map(endpointOf)
}

/** {@link Endpoints.create}. */
export function createEndpoint(db: Session, now: Epoch, endpoint: NewEndpoint, limit: number): 'applied' | 'limit' {
  if (db.get(FIND_ENDPOINT, endpoint.id)) return 'applied'
  if ((db.get<{ n: number }>(COUNT_ENDPOINTS, endpoint.tenant)?.n ?? 0) >= limit) return 'limit'
  db.run(INSERT_ENDPOINT, endpoint.id, endpoint.tenant, ...endpointValues(endpoint), now, now)
  db.run(INSERT_LANE, endpoint.id)
  return 'applied'
}

/** {@link Endpoints.update}. */
export function updateEndpoint(db: Session, now: Epoch, endpoint: NewEndpoint, rev: number): Applied {
  const { id, tenant, state } = endpoint
  const before = db.get<EndpointRow>(FIND_ENDPOINT, id)
  if (!before || before.tenant !== tenant || before.rev !== rev) return 'stale'
  db.run(UPDATE_ENDPOINT, ...endpointValues(endpoint), now, id)
  // Enabled, it starts afresh: what it was held for was before.
  if (before.state === 'disabled' && state === 'enabled') hold(db, now, [{ endpointId: id, forMs: null }])
  return 'applied'
}

/** {@link Endpoints.remove}. */
export function removeEndpoint(db: Session, now: Epoch, tenant: string, id: string): Applied {
  if (db.run(DELETE_ENDPOINT, id, tenant) === 0) return 'stale'
  db.run(DELETE_LANE, id)
  db.run(END_ALL_OF_ENDPOINT, 'cancelled', 'endpoint_deleted', now, id)
  db.run(CLOSE_ALL_OF_ENDPOINT, id)
  return 'applied'
}
