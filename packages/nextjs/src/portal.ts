import { ConfigurationError } from '@hooks/core'
import { checkServed } from './served.ts'

/** A fetch handler that is served under a path: `createManagementApi` of `@hooks/portal` makes one. */
export interface FetchHandler {
  fetch(request: Request, mount?: { readonly basePath?: string }): Promise<Response>
}

/** What the App Router says of a request beside the request. */
export interface RouteContext {
  readonly params: Promise<Readonly<Record<string, string | string[] | undefined>>>
}

/** One handler for each method that a route can export. */
export type NextPortal = Readonly<
  Record<
    'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS',
    (request: Request, context: RouteContext) => Promise<Response>
  >
>

/**
 * A fetch handler as an optional catch-all route of the App Router, for Next.js 15 and 16. It learns where the route is
 * from what the catch-all leaves of the path.
 *
 * @example
 * // app/webhooks/[[...path]]/route.ts
 * export const { GET, POST, PUT, PATCH, DELETE } = nextPortal(api)
 */
export function nextPortal(portal: FetchHandler): NextPortal {
  checkServed(portal, 'fetch', 'nextPortal')
  const handler = async (request: Request, { params }: RouteContext): Promise<Response> =>
    portal.fetch(request, { basePath: basePathOf(new URL(request.url).pathname, caughtBy(await params)) })
  return {
    GET: handler,
    HEAD: handler,
    POST: handler,
    PUT: handler,
    PATCH: handler,
    DELETE: handler,
    OPTIONS: handler,
  }
}

/** A route that catches nothing would serve the page, and none of its files and calls. Next.js gives it no parameters. */
function caughtBy<Params>(params: Params | null | undefined): Params {
  if (params) return params
  throw new ConfigurationError('option_invalid', 'nextPortal is in a route that catches no path', {
    hint: 'put it into a folder [[...path]] there: app/settings/webhooks/[[...path]]/route.ts',
  })
}

/** The path without the segments that the catch-all caught: the only parameter of several. */
function basePathOf(pathname: string, params: Awaited<RouteContext['params']>): string {
  const segments = pathname.split('/').filter((segment) => segment !== '')
  const caught = Object.values(params).find(Array.isArray)?.length ?? 0
  return `/${segments.slice(0, segments.length - caught).join('/')}`
}
