import { type Endpoint, isHooksError, type NewEndpoint, type Seams, type Storage } from '@hooks/core'
import type { SealedSettings } from './destination.ts'
import type { EndpointChanges } from './endpoint-changes.ts'
import type { Keyring, Sealed } from './keyring.ts'
import { needs } from './lacks.ts'
import { withStorageRetry } from './storage-retry.ts'

const PAGE = 500

/**
 * Seals what is not sealed under the current key of the keyring, at every endpoint. Returns how many it changed.
 *
 * @throws ConfigurationError `secret_sealed`, `storage_lacks`
 */
export async function rewrapAll(
  options: Seams & { readonly storage: Storage; readonly keyring: Keyring },
  { change }: EndpointChanges,
): Promise<number> {
  const { storage, keyring } = options
  needs(storage, 'pages')

  /** Null where all of it is sealed under the current key. */
  function rewrapped(endpoint: Endpoint): NewEndpoint | null {
    let isOld = false
    const again = <T extends Sealed>(sealed: T): T => {
      if (sealed.keyId === keyring.current) return sealed
      isOld = true
      return { ...sealed, ...keyring.seal(keyring.open(sealed, endpoint.id), endpoint.id) }
    }
    const { headers, alsoSign } = endpoint.settings as SealedSettings
    const changed = {
      ...endpoint,
      secrets: endpoint.secrets.map(again),
      settings: {
        ...endpoint.settings,
        ...(headers && { headers: again(headers) }),
        ...(alsoSign && { alsoSign: again(alsoSign) }),
      },
    }
    return isOld ? changed : null
  }

  async function rewrap(tenant: string, id: string): Promise<boolean> {
    let done = false
    try {
      await change(tenant, id, (endpoint) => {
        const changed = rewrapped(endpoint)
        done = changed !== null
        return changed
      })
      return done
    } catch (error) {
      // Removed meanwhile.
      if (isHooksError(error, 'endpoint_not_found')) return false
      throw error
    }
  }

  let changed = 0
  let cursor: string | undefined
  do {
    const page = { limit: PAGE, ...(cursor !== undefined && { cursor }) }
    const { data, next } = await withStorageRetry(() => storage.endpoints.list(null, page), options)
    for (const { tenant, id } of data) if (await rewrap(tenant, id)) changed++
    cursor = next
  } while (cursor !== undefined)
  return changed
}
