import { ConfigurationError, type MaybePromise } from '@hooks/core'
import { Refusal } from './refusal.ts'

/**
 * What a person or a program may do: see endpoints and deliveries, change endpoints, see or change secrets, and make
 * attempts (test, resend, cancel, recover).
 */
export type Capability = (typeof CAPABILITIES)[number]

const CAPABILITIES = ['read', 'endpoint:write', 'secret:read', 'secret:rotate', 'attempt:create'] as const

/** On whose behalf a request acts. */
export interface Access {
  /**
   * The tenants that may be acted for. With one, it is taken; of several, the request names which, or an id in its path tells.
   * `all` is for the host's own people: they see how the sender is doing, and every request names its tenant.
   */
  readonly tenants: readonly [string, ...string[]] | 'all'
  /** `all` by default. */
  readonly can?: 'all' | readonly Capability[]
  /** Who it is, for the host's own log. */
  readonly user?: string
}

/**
 * The host's own judgement of a request, by its cookie, its API key or whatever it has: null where it knows nobody, and
 * the answer is 401. It gets the request without its body.
 */
export type Authorize = (request: Request) => MaybePromise<Access | null>

/** @throws ConfigurationError `authorize_missing`: closed by default */
export function checkAuthorize(authorize: unknown): asserts authorize is Authorize {
  if (typeof authorize === 'function') return
  throw new ConfigurationError('authorize_missing', 'there is no `authorize`, so nobody could be let in', {
    hint: 'pass a function: authorize: (request) => ({ tenants: [tenantOf(request)] }), which gives null for strangers',
  })
}

/** Whether it says what somebody may do. */
export const areCapabilities = (can: unknown): boolean =>
  can === 'all' || (Array.isArray(can) && can.every((one) => CAPABILITIES.includes(one as Capability)))

/**
 * What `authorize` gave, if it can be meant: of a text, every part would be a tenant.
 *
 * @throws ConfigurationError `option_invalid`
 */
export function checkAccess(given: Access | null | undefined): Access | null {
  if (!given) return null
  const { tenants, can = 'all' } = given
  const isList =
    Array.isArray(tenants) && tenants.length > 0 && tenants.every((one) => typeof one === 'string' && one !== '')
  if ((tenants === 'all' || isList) && areCapabilities(can)) return given
  throw new ConfigurationError('option_invalid', '`authorize` gave what is no access', {
    hint: `null for strangers, or { tenants: ['acme'] } or { tenants: 'all' }, with can: a list of ${CAPABILITIES.join(', ')}`,
  })
}

/**
 * The tenant that a request acts for: the one that it names, if that may be acted for, else the only one. A tenant that
 * may not be acted for does not exist for this request.
 */
export function tenantFor(access: Access, named: string | undefined): string {
  const { tenants } = access
  if (named !== undefined) {
    if (tenants === 'all' || tenants.includes(named)) return named
    throw new Refusal(404, 'tenant_not_found', 'There is no such tenant.')
  }
  if (tenants !== 'all' && tenants.length === 1) return tenants[0]
  throw new Refusal(400, 'tenant_needed', 'Say for which tenant.', 'tenant')
}

/** @throws Refusal 403 */
export function demand(access: Access, capability: Capability): void {
  const { can = 'all' } = access
  if (can === 'all' || can.includes(capability)) return
  throw new Refusal(403, 'forbidden', `This needs the capability "${capability}".`)
}
