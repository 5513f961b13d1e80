import { type Endpoint, EndpointError, type NewEndpoint, type Seams, type Storage } from '@hooks/core'
import { withStorageRetry } from './storage-retry.ts'
import { checkTenant } from './tenant.ts'

/** Reads and changes of one endpoint. */
export interface EndpointChanges {
  /** @throws EndpointError `endpoint_not_found`, `tenant_invalid` */
  find(tenant: string, id: string): Promise<Endpoint>
  /**
   * Reads, changes and writes, again where another change came between; null from `to` changes nothing. One that is
   * disabled by it has what is waiting recorded as skipped.
   *
   * @throws EndpointError as `find`, and `endpoint_conflict`
   */
  change(tenant: string, id: string, to: (endpoint: Endpoint) => NewEndpoint | null): Promise<Endpoint>
}

const MOST_TRIES = 10
/** How many deliveries are ended in one call. */
const CHUNK = 500

export function createEndpointChanges(options: Seams & { readonly storage: Storage }): EndpointChanges {
  const { storage } = options
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, options)

  async function find(tenant: string, id: string): Promise<Endpoint> {
    checkTenant(tenant)
    const endpoint = await stored(() => storage.endpoints.get(tenant, id))
    if (endpoint) return endpoint
    throw new EndpointError('endpoint_not_found', 'the tenant has no such endpoint')
  }

  /**
   * At once, and not only as it comes due: a worker that claims what is left sends nothing either. What is in flight ends on
   * its own, and what came after the endpoint was enabled again is left.
   */
  async function skipOpen({ tenant, id, updatedAt }: Endpoint): Promise<void> {
    const to = { state: 'skipped', reason: 'endpoint_disabled' } as const
    // Of the same ms, too. Whatever comes while it is disabled is never open.
    const waiting = { tenant, endpoint: id, until: new Date(updatedAt.getTime() + 1) }
    while ((await stored(() => storage.retire(waiting, to, CHUNK))) === CHUNK);
  }

  /** Whether it was made by this call, though the answer to that may be lost: the next one then finds its own change. */
  async function made(changed: NewEndpoint, rev: number): Promise<boolean> {
    let calls = 0
    const applied = await stored(() => {
      calls++
      return storage.endpoints.update(changed, rev)
    })
    if (applied === 'applied' || calls === 1) return applied === 'applied'
    const now = await find(changed.tenant, changed.id)
    return now.rev === rev + 1 && textOf(now) === textOf(changed)
  }

  return {
    find,
    async change(tenant, id, to) {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const endpoint = await find(tenant, id)
        const changed = to(endpoint)
        if (!changed) return endpoint
        if (!(await made(changed, endpoint.rev))) continue
        const now = await find(tenant, id)
        if (endpoint.state === 'enabled' && now.state === 'disabled') await skipOpen(now)
        return now
      }
      throw new EndpointError('endpoint_conflict', 'the endpoint is being changed by others', { hint: 'try again' })
    },
  }
}

/** All that a change can name, to compare one with another. */
function textOf(endpoint: NewEndpoint): string {
  const { url, filters, channels, state, reason, name, metadata, secrets, settings } = endpoint
  const each = secrets.map(({ keyId, sealed, signsFrom = null, signsUntil }) => [keyId, sealed, signsFrom, signsUntil])
  return JSON.stringify([url, filters, channels, state, reason, name, metadata, each, settings])
}
