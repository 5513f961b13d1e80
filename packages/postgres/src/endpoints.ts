import type { Applied, Endpoint, EndpointFilter, NewEndpoint, Page, Paged } from '@hooks/core'
import type { Database } from './database.ts'
import type { PostgresHandle } from './handle.ts'
import { type FoundMeta, metaOf } from './outbox.ts'
import { countOf, paged } from './page.ts'
import { type EndpointRow, endpointOf, endpointValues, type Numeric } from './rows.ts'
import { createParameters, type Parameters } from './selector.ts'
import {
  CREATE_ENDPOINT,
  ENDPOINT_COLUMNS,
  ENDPOINTS_OF_TENANTS,
  FIND_ENDPOINT,
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
export function listEndpoints(
  db: Database,
  tenant: string | null,
  page: Page,
  { state }: EndpointFilter = {},
): Promise<Paged<Endpoint>> {
  const where = (parameters: Parameters, cursor?: string) =>
    [
      'true',
      ...(tenant === null ? [] : [`e.tenant = ${parameters.add(tenant)}::text`]),
      ...(state === undefined ? [] : [`e.state = ${parameters.add(state)}::text`]),
      ...(cursor === undefined ? [] : [`e.id > ${parameters.add(cursor)}::text`]),
    ].join(' and ')
  return paged(page, {
    async rows({ cursor, limit, offset }) {
      const parameters = createParameters()
      const rows = await db.run<EndpointRow>(
        `select ${ENDPOINT_COLUMNS} from hooks.endpoint e where ${where(parameters, cursor)}
        order by e.id limit ${parameters.add(limit)}::text::int offset ${parameters.add(offset)}::text::int`,
        parameters.values,
      )
      return rows.map(endpointOf)
    },
    count: () => {
      const parameters = createParameters()
      return countOf(db, `hooks.endpoint e where ${where(parameters)}`, parameters.values)
    },
  })
}

/** {@link Endpoints.forTenants}. */
export async function endpointsOf(db: Database, tenants: readonly string[]): Promise<Endpoint[]> {
  return (await db.runOften<EndpointRow>(ENDPOINTS_OF_TENANTS, [arrayOf([...new Set(tenants)])])).map(endpointOf)
}

/** The ledger, and how many rows were changed. */
type Changed = FoundMeta & { readonly n: Numeric }

/** A statement that answers with that. */
async function change(
  db: Database,
  tx: PostgresHandle | undefined,
  statement: string,
  parameters: readonly (string | null)[],
): Promise<boolean> {
  const [row] = await db.runOn<Changed>(tx, statement, parameters)
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
  const { id, tenant } = endpoint
  for (;;) {
    const [row] = await db.runOn<Changed & { remains: Numeric }>(tx, CREATE_ENDPOINT, [
      plainText(id, "the endpoint's id"),
      plainText(tenant, 'the tenant'),
      ...endpointValues(endpoint),
      String(limit),
      String(version),
      db.installation,
      ...limitsOf(endpoint),
    ])
    db.judge(metaOf(row))
    if (Number(row?.n) > 0) return 'applied'
    if (Number(row?.remains) === 0) return 'limit'
    await sweep(db, tx, tenant, id)
  }
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
  const values = [id, tenant, ...endpointValues(endpoint), String(rev), String(version), db.installation]
  return (await change(db, tx, UPDATE_ENDPOINT, [...values, ...limitsOf(endpoint)])) ? 'applied' : 'stale'
}

/** {@link Endpoints.remove}. */
export async function removeEndpoint(
  db: Database,
  version: number,
  tenant: string,
  id: string,
  tx: PostgresHandle | undefined,
): Promise<Applied> {
  const isGone = await change(db, tx, REMOVE_ENDPOINT, [tenant, id, String(version), db.installation])
  // Where it was gone before, too: whoever removed it may have died on the way.
  await sweep(db, tx, tenant, id)
  return isGone ? 'applied' : 'stale'
}

/** Some at a time: of a million, one statement would take longer than a host lets it. */
const CHUNK = 2_000

/** Ends what an endpoint that is gone has left open. */
async function sweep(db: Database, tx: PostgresHandle | undefined, tenant: string, id: string): Promise<void> {
  for (let n = CHUNK; n === CHUNK; ) {
    const [row] = await db.runOn<{ n: Numeric }>(tx, SWEEP_ENDPOINT, [id, tenant, String(CHUNK)])
    n = Number(row?.n)
  }
}

/** What of its settings an endpoint's lane obeys. */
const limitsOf = ({ settings: { concurrency, perSecond } }: NewEndpoint) => [
  concurrency == null ? null : String(concurrency),
  perSecond == null ? null : String(perSecond),
]
