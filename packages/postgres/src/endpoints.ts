import type { Applied, Endpoint, NewEndpoint, Page, Paged } from '@hooks/core'
import type { Database } from './database.ts'
import type { PostgresHandle } from './handle.ts'
import { type FoundMeta, metaOf } from './outbox.ts'
import { paged } from './page.ts'
import { type EndpointRow, endpointOf, endpointValues, type Numeric } from './rows.ts'
import {
  CREATE_ENDPOINT,
  ENDPOINTS_OF_TENANTS,
  FIND_ENDPOINT,
  LIST_ENDPOINTS,
  REMOVE_ENDPOINT,
  SWEEP_ENDPOINT,
  UPDATE_ENDPOINT,
} from './sql/endpoints.ts'
import { arrayOf, plainText } from './text.ts'

/** {@link Endpoints.get}. */
export async function getEndpoint(
  db: Database,
  tenant: string,
  id: string,
  tx: PostgresHandle | undefined,
): Promise<Endpoint | null> {
  const [row] = await db.runOn<EndpointRow>(tx, FIND_ENDPOINT, [tenant, id])
  return row ? endpointOf(row) : null
}

/** {@link Endpoints.list}. */
export async function listEndpoints(db: Database, tenant: string, page: Page): Promise<Paged<Endpoint>> {
  const rows = await db.run<EndpointRow>(LIST_ENDPOINTS, [tenant, page.cursor ?? '', String(page.limit + 1)])
  return paged(rows.map(endpointOf), page.limit)
}

/** {@link Endpoints.forTenants}. */
export async function endpointsOf(db: Database, tenants: readonly string[]): Promise<Endpoint[]> {
  return (await db.run<EndpointRow>(ENDPOINTS_OF_TENANTS, [arrayOf([...new Set(tenants)])])).map(endpointOf)
}

/** A statement that answers with the ledger, and with how many rows it changed. */
async function change(
  db: Database,
  tx: PostgresHandle | undefined,
  statement: string,
  parameters: readonly (string | null)[],
): Promise<boolean> {
  const [row] = await db.runOn<FoundMeta & { n: Numeric }>(tx, statement, parameters)
  db.judge(metaOf(row))
  return Number(row?.n) > 0
}

/** {@link Endpoints.create}. */
export async function createEndpoint(
  db: Database,
  version: number,
  endpoint: NewEndpoint,
  limit: number,
  tx: PostgresHandle | undefined,
): Promise<'applied' | 'limit'> {
  const isThere = await change(db, tx, CREATE_ENDPOINT, [
    plainText(endpoint.id, "the endpoint's id"),
    plainText(endpoint.tenant, 'the tenant'),
    ...endpointValues(endpoint),
    String(limit),
    String(version),
    db.installation,
  ])
  return isThere ? 'applied' : 'limit'
}

/** {@link Endpoints.update}. */
export async function updateEndpoint(
  db: Database,
  version: number,
  endpoint: NewEndpoint,
  rev: number,
  tx: PostgresHandle | undefined,
): Promise<Applied> {
  const { id, tenant } = endpoint
  const parameters = [id, tenant, ...endpointValues(endpoint), String(rev), String(version), db.installation]
  return (await change(db, tx, UPDATE_ENDPOINT, parameters)) ? 'applied' : 'stale'
}

/** {@link Endpoints.remove}. */
export async function removeEndpoint(
  db: Database,
  version: number,
  tenant: string,
  id: string,
  tx: PostgresHandle | undefined,
): Promise<Applied> {
  if (!(await change(db, tx, REMOVE_ENDPOINT, [tenant, id, String(version), db.installation]))) return 'stale'
  await db.runOn(tx, SWEEP_ENDPOINT, [id])
  return 'applied'
}
