import { type Clock, ConfigurationError, type Contract, consoleLogger, type Logger, systemClock } from '@hooks/core'
import { type Authorize, checkAccess, checkAuthorize } from './access.ts'
import type { Audit } from './audit.ts'
import type { AnySender } from './call.ts'
import { createManagementApi, type Mount } from './management-api.ts'
import { SCRIPT, STYLE } from './page/assets.generated.ts'
import { type Brand, checkBrand, originOf } from './page/brand.ts'
import { ASSETS, pageOf } from './page/document.ts'
import { pageHeaders, SAFE } from './page/headers.ts'
import { createPortalLinks, type PortalLinkOptions, type PortalLinksOptions } from './page/links.ts'
import type { Redact } from './redact.ts'

/** Options of {@link createPortal}. */
export interface PortalOptions {
  readonly contract: Contract
  /** Who asks, and for which tenants. Without it nothing starts. Holders of portal links are let in without it. */
  readonly authorize: Authorize
  /** The path under which the host mounts it, where the adapter does not say: none by default. */
  readonly basePath?: string
  readonly brand?: Brand
  /** The browser's by default, English where that is neither. */
  readonly language?: 'en' | 'fr'
  /** Origins of pages that may show this one in a frame, such as `https://app.example`. Its own may. */
  readonly frameAncestors?: readonly string[]
  /** For {@link Portal.link}. */
  readonly links?: PortalLinksOptions
  /** For the host's own record of who did what. */
  readonly audit?: Audit
  /** What is shown of bodies, such as all but names and addresses: all of them by default. */
  readonly redact?: Redact
  /** Told of what failed on our side, which no client is told. The console by default. */
  readonly logger?: Logger
  readonly clock?: Clock
}

/** What {@link createPortal} makes. Its `fetch` needs no `this`. */
export interface Portal {
  fetch(request: Request, mount?: Mount): Promise<Response>
  /**
   * The end of an address that lets its holder in, without a session of the host's: `#` and a token, which browsers keep
   * from servers and from other sites. Put it behind the portal's own address.
   *
   * @throws ConfigurationError `option_invalid`
   * @example
   * const address = `https://app.example/webhooks/${await portal.link({ tenant: 'acme', ttl: '1h' })}`
   */
  link(options: PortalLinkOptions): Promise<string>
}

/**
 * The page on which a sender's customers manage their endpoints, see what was delivered, why something was not, and have
 * it sent again; and the API behind it, below `api/v1`. One handler for every framework. A contract's own `api` is a
 * matter of `createManagementApi`, and changes nothing here.
 *
 * @throws ConfigurationError `authorize_missing`, `option_invalid`
 * @example
 * const portal = createPortal(hooks, { contract, authorize: async (request) => ({ tenants: [await tenantOf(request)] }) })
 * app.use('/webhooks', expressPortal(portal))
 */
export function createPortal(hooks: AnySender, options: PortalOptions): Portal {
  const { contract, brand = {}, language, clock = systemClock, logger = consoleLogger } = options
  checkAuthorize(options.authorize)
  checkBrand(brand)
  if (language !== undefined && language !== 'en' && language !== 'fr')
    throw new ConfigurationError('option_invalid', 'language is neither "en" nor "fr"')
  const headers = { ...pageHeaders(options.frameAncestors ?? [], originOf(brand.logo)), 'cache-control': 'no-cache' }
  const links = options.links && createPortalLinks(options.links, clock)

  const authorize: Authorize = async (request) => {
    const linked = await links?.accessOf(request)
    return linked === undefined ? options.authorize(request) : linked
  }
  const api = createManagementApi(hooks, {
    contract: { ...contract, api: {} },
    authorize,
    logger,
    ...(options.audit && { audit: options.audit }),
    ...(options.redact && { redact: options.redact }),
  })

  /** Who is looking, so that the page can leave out what they may not do. */
  async function session(request: Request): Promise<Response> {
    try {
      const access = checkAccess(await authorize(new Request(request.url, { headers: request.headers })))
      if (!access) return json(401, { status: 401, code: 'unauthorized', title: 'Not authorized' })
      const { tenants, can = 'all', user = null } = access
      return json(200, { tenants, can, user })
    } catch (error) {
      logger.error({ err: error }, 'hooks: a request to the portal failed')
      return json(500, { status: 500, code: 'internal', title: 'Internal error' })
    }
  }

  function page(request: Request, folder: string): Response {
    const text = pageOf({ brand, language }, folder)
    return file(request, { name: tagOf(text), text, type: 'text/html; charset=utf-8' }, headers)
  }

  return {
    async fetch(request, mount) {
      const base = (mount?.basePath ?? options.basePath ?? '').replace(/\/$/, '')
      const { pathname } = new URL(request.url)
      if (!pathname.startsWith(base)) return nothing()
      const path = pathname.slice(base.length)
      // Next.js can send every path to the one with a slash at its end.
      if (/^\/api\/session\/?$/.test(path)) return session(request)
      if (/^\/api(\/|$)/.test(path)) return api.fetch(request, { basePath: `${base}/api` })
      const asset = path.startsWith(`/${ASSETS}`) ? FILES.get(path.slice(ASSETS.length + 1)) : undefined
      if (path !== '' && path !== '/' && !asset) return nothing()
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return new Response(null, { status: 405, headers: { ...SAFE, allow: 'GET, HEAD' } })
      if (asset) return file(request, asset, { ...SAFE, 'cache-control': 'public, max-age=31536000, immutable' })
      return page(request, path === '/' ? '' : `${base.slice(base.lastIndexOf('/') + 1)}/`)
    },
    async link(wanted) {
      if (links) return `#${await links.create(wanted)}`
      throw new ConfigurationError('option_invalid', 'there is no secret that portal links could be signed with', {
        hint: 'pass links: { secret } to createPortal',
      })
    },
  }
}

const FILES: ReadonlyMap<string, { readonly name: string; readonly text: string; readonly type: string }> =
  /* @__PURE__ */ new Map([
    [SCRIPT.name, { ...SCRIPT, type: 'text/javascript; charset=utf-8' }],
    [STYLE.name, { ...STYLE, type: 'text/css; charset=utf-8' }],
  ])

function json(status: number, value: object): Response {
  const type = status === 200 ? 'application/json' : 'application/problem+json'
  return new Response(JSON.stringify(value), {
    status,
    headers: { ...SAFE, 'content-type': type, 'cache-control': 'no-store' },
  })
}

/** A text, unless the browser has it already. */
function file(
  request: Request,
  { name, text, type }: { readonly name: string; readonly text: string; readonly type: string },
  headers: Readonly<Record<string, string>>,
): Response {
  const etag = `"${name}"`
  const common = { ...headers, etag }
  const known = request.headers
    .get('if-none-match')
    ?.split(/, */)
    .some((one) => one.replace(/^W\//, '') === etag)
  if (known) return new Response(null, { status: 304, headers: common })
  return new Response(request.method === 'HEAD' ? null : text, { headers: { ...common, 'content-type': type } })
}

/** FNV-1a: to tell one build's page from another's, nothing more. */
function tagOf(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return `${text.length.toString(36)}-${(hash >>> 0).toString(36)}`
}

const nothing = () => new Response('Not found', { status: 404, headers: { ...SAFE, 'content-type': 'text/plain' } })
