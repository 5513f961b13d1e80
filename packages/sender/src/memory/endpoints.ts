import type { Applied, Endpoint, Endpoints, Ms, NewEndpoint } from '@hooks/core'
import { rowsOf } from './lanes.ts'
import { ascending, pageOf } from './sorted.ts'
import { endDelivery, type State, tenantOf } from './state.ts'

/** The endpoints of a memory storage. */
export function memoryEndpoints(state: State): Endpoints<never> {
  const { tenants, lanes } = state

  const endpointsOf = (name: string): Endpoint[] =>
    [...(tenants.get(name)?.endpoints.values() ?? [])].map(({ endpoint }) => endpoint)

  function create(given: NewEndpoint, limit: number, now: Ms): 'applied' | 'limit' {
    const { endpoints } = tenantOf(state, given.tenant)
    if (endpoints.has(given.id)) return 'applied'
    if (endpoints.size >= limit) return 'limit'
    const endpoint = { ...structuredClone(given), rev: 1, createdAt: new Date(now), updatedAt: new Date(now) }
    const made = { endpoint, lane: lanes.create() }
    endpoints.set(given.id, made)
    state.endpoints.set(given.id, made)
    return 'applied'
  }

  function update(given: NewEndpoint, rev: number, now: Ms): Applied {
    const stored = tenants.get(given.tenant)?.endpoints.get(given.id)
    if (stored === undefined || stored.endpoint.rev !== rev) return 'stale'
    const { createdAt, state } = stored.endpoint
    stored.endpoint = { ...structuredClone(given), rev: rev + 1, createdAt, updatedAt: new Date(now) }
    // Enabled, it starts afresh: what it was held for was before.
    if (state === 'disabled' && given.state === 'enabled') lanes.change(stored.lane, { heldUntil: 0 }, now)
    return 'applied'
  }

  function remove(name: string, id: string, now: Ms): Applied {
    const tenant = tenants.get(name)
    const stored = tenant?.endpoints.get(id)
    if (tenant === undefined || stored === undefined) return 'stale'
    const { lane } = stored
    for (const delivery of rowsOf(lane)) {
      lanes.take(lane, delivery, now)
      endDelivery(delivery, 'cancelled', 'endpoint_deleted', now)
    }
    tenant.endpoints.delete(id)
    state.endpoints.delete(id)
    return 'applied'
  }

  return {
    get: (tenant, id) => state.run(() => tenants.get(tenant)?.endpoints.get(id)?.endpoint ?? null),
    list: (tenant, { limit, cursor }) =>
      state.run(() => {
        const all = endpointsOf(tenant).sort((a, b) => (a.id < b.id ? -1 : 1))
        return pageOf(ascending(all, cursor), limit, (endpoint) => endpoint)
      }),
    forTenants: (names) => state.run(() => [...new Set(names)].flatMap(endpointsOf)),
    create: (endpoint, limit) => state.run((now) => create(endpoint, limit, now)),
    update: (endpoint, rev) => state.run((now) => update(endpoint, rev, now)),
    remove: (tenant, id) => state.run((now) => remove(tenant, id, now)),
  }
}
