import { type Contract, consoleLogger, HooksError, type Logger } from '@hooks/core'
import { type Access, type Authorize, checkAccess, checkAuthorize, tenantFor } from './access.ts'
import { type Audit, tell } from './audit.ts'
import { readFields } from './body.ts'
import type { AnySender, Outcome } from './call.ts'
import { Fields } from './fields.ts'
import { isOfAll, isOnlyLooking, runOperation } from './operations.ts'
import type { Redact } from './redact.ts'
import { problemOf, Refusal } from './refusal.ts'
import { createRouter, type Match } from './routes.ts'
import { refuseCrossSite } from './same-site.ts'
import { type Shape, shapeOf } from './shape.ts'

/** Options of {@link createManagementApi}. */
export interface ManagementApiOptions {
  /** The contract whose events are shown, and whose `api` says how the API looks. */
  readonly contract: Contract
  /** Who asks, and for which tenants. Without it nothing starts. */
  readonly authorize: Authorize
  /** The path under which the host mounts it, where the adapter does not say: none by default. */
  readonly basePath?: string
  /** For the host's own record of who did what. */
  readonly audit?: Audit
  /** What is shown of bodies: all of them by default. */
  readonly redact?: Redact
  /** Told of what failed on our side, which no client is told. The console by default. */
  readonly logger?: Logger
}

/** Where a handler is mounted: the part of the path that is not its own. */
export interface Mount {
  readonly basePath?: string
}

/** A fetch handler: `Request` in, `Response` out. It needs no `this`. */
export interface ManagementApi {
  fetch(request: Request, mount?: Mount): Promise<Response>
}

/**
 * The API by which a sender's customers manage their endpoints and look at their deliveries. One handler for every
 * framework. With a contract that has an `api`, it has that product's routes, names and shapes; else it is
 * `/v1/endpoints`, `/v1/deliveries`, `/v1/messages` and `/v1/event-types`.
 *
 * The tenant comes from `authorize`; of several, the request names one, or the id in its path tells. What belongs to
 * another tenant is not found. Problems are RFC 9457 documents with a stable `code`.
 *
 * @throws ConfigurationError `authorize_missing`; `contract_invalid` where the contract's `api` has what is none
 * @example
 * const api = createManagementApi(hooks, { contract, authorize: async (request) => ({ tenants: [await tenantOf(request)] }) })
 * export default { fetch: api.fetch }
 */
export function createManagementApi(hooks: AnySender, options: ManagementApiOptions): ManagementApi {
  const { contract, authorize, audit, redact, logger = consoleLogger } = options
  checkAuthorize(authorize)
  const shape = shapeOf(contract.api)
  const route = createRouter(shape)

  async function answer(request: Request, mount: string): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    // Mounted at its own base (`app.use('/api/webhooks', ...)`), or at what stands before that.
    const before = mount.endsWith(shape.base) ? mount.slice(0, mount.length - shape.base.length) : mount
    const found = pathname.startsWith(before) ? route(request.method, pathname.slice(before.length)) : null
    if (!found) throw new Refusal(404, 'not_found', 'There is nothing here.')
    const asked = new Request(request.url, { headers: request.headers, method: request.method })
    const access = checkAccess(await authorize(asked))
    if (!access) throw new Refusal(401, 'unauthorized', 'Say who you are.')
    refuseCrossSite(request)
    const body = new Fields(await readFields(request), shape.nameOf)
    const query = new Fields(Object.fromEntries(searchParams), shape.nameOf)
    const named = body.text('tenant', 256) ?? query.text('tenant', 256)
    const tenants = tenantsOf(found, access, named)
    const call = { hooks, contract, shape, access, redact, id: found.id, query, body, headers: request.headers }
    const run = async (tenant: string): Promise<Outcome> => {
      const outcome = await runOperation(found.operation, { ...call, tenant })
      if (!isOnlyLooking(found.operation)) await tell(audit, found, tenant, access, logger)
      return outcome
    }
    return written(await firstOf(tenants, run))
  }

  return {
    async fetch(request, mount) {
      try {
        return await answer(request, (mount?.basePath ?? options.basePath ?? '').replace(/\/$/, ''))
      } catch (error) {
        const refused = refusalOf(error, shape)
        tellHost(logger, error, refused.status)
        return refused
      }
    },
  }
}

/** Where it may be that a request acts: for one tenant, or for the one of several that the id in its path belongs to. */
function tenantsOf({ operation, id }: Match, access: Access, named: string | undefined): readonly string[] {
  if (isOfAll(operation)) return ['']
  return id !== '' && named === undefined && access.tenants !== 'all' ? access.tenants : [tenantFor(access, named)]
}

/** What the id in the path belongs to says which of several tenants is meant. Whose it is not does not find it, and changes nothing. */
async function firstOf<T>(tenants: readonly string[], run: (tenant: string) => Promise<T>): Promise<T> {
  const [last, ...before] = [...tenants].reverse() as [string, ...string[]]
  for (const tenant of before.reverse()) {
    try {
      return await run(tenant)
    } catch (error) {
      if (!(error instanceof HooksError && /_not_found$/.test(error.code))) throw error
    }
  }
  return run(last)
}

/** Never kept by a browser or a proxy: it is one tenant's, and may hold a secret. */
const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

function written([status, value, more]: Outcome): Response {
  const headers = { ...HEADERS, ...more }
  if (value === undefined) return new Response(null, { status, headers })
  return new Response(JSON.stringify(value), { status, headers: { ...headers, 'content-type': 'application/json' } })
}

/** What a client is not told: why it failed on our side, and, while the host is being built, what the host could allow. */
function tellHost(logger: Logger, error: unknown, status: number): void {
  if (status === 500 || status === 503) logger.error({ err: error }, 'hooks: a request to the management API failed')
  if (error instanceof HooksError && error.hostHint !== undefined && process.env.NODE_ENV !== 'production')
    logger.warn({ code: error.code, hint: error.hostHint }, 'hooks: the management API refused an endpoint')
}

function refusalOf(error: unknown, { show, nameOf }: Shape): Response {
  const { headers, ...problem } = problemOf(error, nameOf)
  return new Response(JSON.stringify(show.problem(problem)), {
    status: problem.status,
    headers: { ...HEADERS, 'content-type': 'application/problem+json', ...headers },
  })
}
