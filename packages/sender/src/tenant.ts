import { EndpointError } from '@hooks/core'

/** Visible ASCII: it stands in headers and bodies of some formats. */
const TENANT = /^[!-~]{1,128}$/

/**
 * Refuses what cannot name a tenant: an `undefined` from a missing session must not become a tenant of that name.
 *
 * @throws EndpointError `tenant_invalid`
 */
export function checkTenant(tenant: unknown): asserts tenant is string {
  if (typeof tenant === 'string' && TENANT.test(tenant)) return
  throw new EndpointError('tenant_invalid', 'the tenant is not 1 to 128 characters of visible ASCII', {
    hint: 'give the id of the customer whose endpoints are meant',
  })
}
