import type { Applied, Endpoint, Endpoints, Ms, NewEndpoint } from '@hooks/core'
import { endDelivery } from './ending.ts'
import { rowsOf, WELL } from './lanes.ts'
import { ascending, pageOf } from './sorted.ts'
import { type State, tenantOf } from './state.ts'

/** The endpoints of a memory storage. */
export function memoryEndpoints(state: State): Endpoints<never> {
  const { tenants, lanes } = state

  const endpointsOf = (name: string): Endpoint[] =>
    [...(tenants.get(name)?.endpoints.values() ?? [])].map(({ endpoint }) => endpoint)

  function create(given: NewEndpoint, limit: number, now: Ms): 'applied' | 'limit' {
    const { endpoints } = tenantOf(state, given.tenant)
    if (endpoints.has(given.id)) return 'applied'
    if (endpoints.size >= limit) return 'limit'
    const endpoint = storedEndpoint(given, 1, new Date(now), now)
    const made = { endpoint, lane: lanes.create(given.tenant, limitsOf(given)) }
    endpoints.set(given.id, made)
    state.endpoints.set(given.id, made)
    return 'applied'
  }

  function update(given: NewEndpoint, rev: number, now: Ms): Applied {
    const stored = tenants.get(given.tenant)?.endpoints.get(given.id)
    if (stored === undefined || stored.endpoint.rev !== rev) return 'stale'
    const { createdAt, state } = stored.endpoint
    stored.endpoint = storedEndpoint(given, rev + 1, createdAt, now)
    lanes.change(stored.lane, limitsOf(given), now)
    // Enabled, it starts afresh: what it was held for was before.
    if (state === 'disabled' && given.state === 'enabled') {
      Object.assign(stored.lane.health, WELL)
      lanes.change(stored.lane, { heldUntil: 0, cap: null, failing: false, probing: false }, now)
    }
    return 'applied'
  }

  function remove(name: string, id: string, now: Ms): Applied {
    const tenant = tenants.get(name)
    const stored = tenant?.endpoints.get(id)
    if (tenant === undefined || stored === undefined) return 'stale'
    const { lane } = stored
    for (const delivery of rowsOf(lane)) {
      lanes.take(lane, delivery, now)
      endDelivery(state, delivery, 'cancelled', 'endpoint_deleted', now)
    }
    tenant.endpoints.delete(id)
    state.endpoints.delete(id)
    return 'applied'
  }

  return {
    get: (tenant, id) => state.run(() => tenants.get(tenant)?.endpoints.get(id)?.endpoint ?? null),
    list: (tenant, page, { state: wanted } = {}) =>
      state.run(() => {
        const all = tenant === null ? [...tenants.keys()].flatMap(endpointsOf) : endpointsOf(tenant)
        const found = all.filter((one) => wanted === undefined || one.state === wanted)
        found.sort((a, b) => (a.id < b.id ? -1 : 1))
        return pageOf(
          (cursor) => ascending(found, cursor),
          page,
          (endpoint) => endpoint,
        )
      }),
    forTenants: (names) => state.run(() => [...new Set(names)].flatMap(endpointsOf)),
    create: (endpoint, limit) => state.run((now) => create(endpoint, limit, now)),
    update: (endpoint, rev) => state.run((now) => update(endpoint, rev, now)),
    remove: (tenant, id) => state.run((now) => remove(tenant, id, now)),
  }
}

function storedEndpoint(given: NewEndpoint, rev: number, createdAt: Date, now: Ms): Endpoint {
  const { id, tenant, url, filters, channels, state, reason, name, metadata, secrets, settings } =
    structuredClone(given)
  const updatedAt = new Date(now)
  // One by one, so that all endpoints are of one shape: in Node.js 20 an extended copy is of a shape of its own.
  return {
    id,
    tenant,
    url,
    filters,
    channels,
    state,
    reason,
    name,
    metadata,
    secrets,
    settings,
    rev,
    createdAt,
    updatedAt,
  }
}

const limitsOf = ({ settings }: NewEndpoint) => ({
  concurrency: settings.concurrency ?? null,
  perSecond: settings.perSecond ?? null,
})
