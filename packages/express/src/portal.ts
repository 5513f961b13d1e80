import type { ServerResponse } from 'node:http'
import { type BodyRequest, isBytes, unavailable } from './body.ts'
import { checkServed } from './served.ts'
import { streamOf } from './stream.ts'

/** A fetch handler that is served under a path: `createManagementApi` of `@hooks/portal` makes one. */
export interface FetchHandler {
  fetch(request: Request, mount?: { readonly basePath?: string }): Promise<Response>
}

/** Options of {@link expressPortal}. */
export interface ExpressPortalOptions {
  /**
   * Scheme and host that browsers see, such as `https://app.example`, where a proxy in front changes them. Those of the
   * request by default, and the scheme that Express's `trust proxy` gives.
   */
  readonly origin?: string
}

/** What Express 4 and 5, Connect and NestJS hand to a middleware. */
export interface ExpressPortalRequest extends BodyRequest {
  /** The URL before routers cut it. */
  readonly originalUrl?: string
  /** What routers cut off. */
  readonly baseUrl?: string
  readonly protocol?: string
}

/** A middleware that answers every request that it gets. */
export type ExpressPortal = (
  request: ExpressPortalRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * A fetch handler as middleware, for Express 4 and 5. It learns where it is mounted. Bodies stream both ways; where the
 * client hangs up, the request's `signal` aborts. It calls `next` with what the handler throws, and with an error whose
 * `code` is `body_unavailable` where a parser in front kept no bytes.
 *
 * @example
 * app.use('/webhooks', expressPortal(api))   // before app.use(express.json())
 */
export function expressPortal(portal: FetchHandler, { origin }: ExpressPortalOptions = {}): ExpressPortal {
  checkServed(portal, 'fetch', 'expressPortal')
  return (request, response, next) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const serve = async (): Promise<void> => {
      const url = urlOf(request, origin)
      if (!url) return void Object.assign(response, { statusCode: 400 }).end()
      const asked = new Request(url, {
        method: request.method ?? 'GET',
        headers: headersOf(request.rawHeaders),
        signal: gone.signal,
        ...bodyOf(request, response),
      })
      const answer = await portal.fetch(asked, request.baseUrl ? { basePath: request.baseUrl } : {})
      await write(answer, response, gone.signal)
    }
    serve().catch((error) => {
      // Nobody is there to be answered, or half of an answer is out: what is left is to break off.
      if (gone.signal.aborted || response.headersSent) response.destroy()
      else next(error)
    })
  }
}

/** None where the client's `host` makes none. */
function urlOf(request: ExpressPortalRequest, origin: string | undefined): URL | undefined {
  const { protocol = 'encrypted' in request.socket ? 'https' : 'http', headers, originalUrl, url = '/' } = request
  const path = (originalUrl ?? url).replace(/^[a-z]+:\/\/[^/]*/i, '')
  const text = `${origin ?? `${protocol}://${headers.host ?? headers[':authority'] ?? 'localhost'}`}${path}`
  return URL.canParse(text) ? new URL(text) : undefined
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string
    // HTTP/2 has its method and path among them.
    if (!name.startsWith(':')) headers.append(name, raw[i + 1] as string)
  }
  return headers
}

function bodyOf(request: ExpressPortalRequest, response: ServerResponse): RequestInit {
  const { method, rawBody, body } = request
  if (method === 'GET' || method === 'HEAD') return {}
  const bytes = isBytes(rawBody) ? rawBody : isBytes(body) ? body : undefined
  if (bytes) return { body: bytes as Uint8Array<ArrayBuffer> }
  if (request.readableDidRead) throw unavailable('expressPortal')
  return { body: streamOf(request, response), duplex: 'half' } as RequestInit
}

async function write(answer: Response, response: ServerResponse, gone: AbortSignal): Promise<void> {
  response.statusCode = answer.status
  for (const [name, value] of answer.headers) if (name !== 'set-cookie') response.setHeader(name, value)
  const cookies = answer.headers.getSetCookie()
  if (cookies.length > 0) response.setHeader('set-cookie', cookies)
  const reader = answer.body?.getReader()
  const stop = () => void reader?.cancel().catch(() => {})
  if (gone.aborted) return stop()
  gone.addEventListener('abort', stop)
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    if (!response.write(piece.value)) await drained(response)
  }
  response.end()
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go)
      resolve()
    }
    response.on('drain', go).on('close', go)
  })
