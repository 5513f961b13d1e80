import type { Applied, Endpoint, EndpointFilter, NewEndpoint, Page, Paged } from '@hooks/core'
import { refreshAll } from './lanes.ts'
import { countOf, paged } from './page.ts'
import { type EndpointRow, endpointOf, endpointValues } from './rows.ts'
import type { Session } from './session.ts'
import { endAll, type OpenRow } from './settle.ts'
import {
  COUNT_ENDPOINTS,
  DELETE_ENDPOINT,
  ENDPOINTS_OF_TENANTS,
  FIND_ENDPOINT,
  INSERT_ENDPOINT,
  LEFT_BY_ALL,
  LEFT_BY_ENDPOINT,
  UPDATE_ENDPOINT,
} from './sql/endpoints.ts'
import { DELETE_LANE, INSERT_LANE, RESET_LANE, SET_LIMITS } from './sql/lanes.ts'
import type { Epoch } from './time.ts'

/** {@link Endpoints.get}. */
export function getEndpoint(db: Session, tenant: string, id: string): Endpoint | null {
  const row = db.get<EndpointRow>(FIND_ENDPOINT, id)
  return row && row.tenant === tenant ? endpointOf(row) : null
}

/** {@link Endpoints.list}. */
export function listEndpoints(
  db: Session,
  tenant: string | null,
  page: Page,
  { state }: EndpointFilter = {},
): Paged<Endpoint> {
  const terms = [...(tenant === null ? [] : ['tenant = ?']), ...(state === undefined ? [] : ['+state = ?'])]
  const values = [...(tenant === null ? [] : [tenant]), ...(state === undefined ? [] : [state])]
  const where = (more: readonly string[]) =>
    terms.length + more.length > 0 ? [...terms, ...more].join(' and ') : 'true'
  return paged(page, {
    rows: ({ cursor, limit, offset }) =>
      db
        .all<EndpointRow>(
          `select * from hooks_endpoint where ${where(cursor === undefined ? [] : ['id > ?'])} order by id limit ? offset ?`,
          ...values,
          ...(cursor === undefined ? [] : [cursor]),
          limit,
          offset,
        )
        .map(endpointOf),
    count: () => countOf(db, `hooks_endpoint where ${where([])}`, values),
  })
}

/** {@link Endpoints.forTenants}. */
export function endpointsOf(db: Session, tenants: readonly string[]): Endpoint[] {
  return db.all<EndpointRow>(ENDPOINTS_OF_TENANTS, JSON.stringify([...new Set(tenants)])).map(endpointOf)
}

/** {@link Endpoints.create}. */
export function createEndpoint(db: Session, now: Epoch, endpoint: NewEndpoint, limit: number): 'applied' | 'limit' {
  if (db.get(FIND_ENDPOINT, endpoint.id)) return 'applied'
  if ((db.get<{ n: number }>(COUNT_ENDPOINTS, endpoint.tenant)?.n ?? 0) >= limit) return 'limit'
  // Of one that had the id before, and was removed.
  while (sweepEndpoint(db, now, endpoint.tenant, endpoint.id));
  db.run(INSERT_ENDPOINT, endpoint.id, endpoint.tenant, ...endpointValues(endpoint), now, now)
  db.run(INSERT_LANE, endpoint.id, endpoint.tenant, ...limitsOf(endpoint))
  return 'applied'
}

/** {@link Endpoints.update}. */
export function updateEndpoint(db: Session, now: Epoch, endpoint: NewEndpoint, rev: number): Applied {
  const { id, tenant, state } = endpoint
  const before = db.get<EndpointRow>(FIND_ENDPOINT, id)
  if (!before || before.tenant !== tenant || before.rev !== rev) return 'stale'
  db.run(UPDATE_ENDPOINT, ...endpointValues(endpoint), now, id)
  db.run(SET_LIMITS, ...limitsOf(endpoint), id)
  // Enabled, it starts afresh: what it was held for was before.
  if (before.state === 'disabled' && state === 'enabled') db.run(RESET_LANE, id)
  refreshAll(db, [id], now)
  return 'applied'
}

/** {@link Endpoints.remove}, but for what is open: {@link sweepEndpoint}. */
export function removeEndpoint(db: Session, tenant: string, id: string): Applied {
  if (db.run(DELETE_ENDPOINT, id, tenant) === 0) return 'stale'
  db.run(DELETE_LANE, id)
  return 'applied'
}

/** Some at a time: for as long as one transaction takes, nothing else of the process runs. */
const CHUNK = 500

/** Ends some of what an endpoint that is gone has left open. Returns whether there may be more. */
export function sweepEndpoint(db: Session, now: Epoch, tenant: string, id: string): boolean {
  return cancelAll(db, now, db.all<OpenRow>(LEFT_BY_ENDPOINT, id, id, tenant, CHUNK)) === CHUNK
}

/** Ends up to `limit` of what any endpoint that is gone has left open: whoever removed it has died. Returns how many. */
export const sweepAll = (db: Session, now: Epoch, limit: number): number =>
  cancelAll(db, now, db.all<OpenRow>(LEFT_BY_ALL, limit))

function cancelAll(db: Session, now: Epoch, rows: readonly OpenRow[]): number {
  endAll(
    db,
    now,
    rows.map(({ id, attempts }) => [id, 'cancelled', 'endpoint_deleted', attempts]),
  )
  return rows.length
}

const limitsOf = ({ settings }: NewEndpoint) => [settings.concurrency ?? null, settings.perSecond ?? null] as const
