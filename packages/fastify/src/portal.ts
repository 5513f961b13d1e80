import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { keptOf, unavailable } from './body.ts'
import { checkServed } from './served.ts'
import { streamOf } from './stream.ts'

/** A fetch handler that is served under a path: `createManagementApi` of `@hooks/portal` makes one. */
export interface FetchHandler {
  fetch(request: Request, mount?: { readonly basePath?: string }): Promise<Response>
}

/** Options of {@link fastifyPortal}, beside Fastify's own `prefix` and `logLevel`. */
export interface FastifyPortalOptions {
  readonly portal: FetchHandler
  /**
   * Scheme and host that browsers see, such as `https://app.example`, where a proxy in front changes them. Those of the
   * request by default, as Fastify's `trustProxy` gives them.
   */
  readonly origin?: string
}

/**
 * A fetch handler as a plugin, for Fastify 5: it answers whatever comes under its `prefix`, and learns where that is.
 * Parsers are its own, in its own scope. Bodies stream both ways; where the client hangs up, the request's `signal`
 * aborts.
 *
 * @example
 * app.register(fastifyPortal, { prefix: '/webhooks', portal: api })
 */
export const fastifyPortal: FastifyPluginAsync<FastifyPortalOptions> = async (app, { portal, origin }) => {
  checkServed(portal, 'fetch', 'fastifyPortal')
  const basePath = app.prefix
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, unread) => unread(null))
  app.addHook('onRequest', (request, _reply, next) => {
    // One that Fastify cannot read would be its 415. The handler gets the headers as they came.
    request.headers = { 'content-type': 'application/octet-stream' }
    next()
  })

  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const gone = new AbortController()
    reply.raw.on('close', () => gone.abort())
    const text = `${origin ?? `${request.protocol}://${request.host}`}${request.originalUrl}`
    if (!URL.canParse(text)) return reply.code(400).send()
    const asked = new Request(text, {
      method: request.method,
      headers: headersOf(request.raw.rawHeaders),
      signal: gone.signal,
      ...bodyOf(request, reply),
    })
    const { status, headers, body } = await portal.fetch(asked, basePath ? { basePath } : {})
    reply.code(status)
    for (const [name, value] of headers) reply.header(name, value)
    return reply.send(body ?? undefined)
  }
  for (const url of ['/', '/*']) app.all(url, answer)
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

function bodyOf(request: FastifyRequest, reply: FastifyReply): RequestInit {
  const { method, raw } = request
  if (method === 'GET' || method === 'HEAD') return {}
  const kept = keptOf(request)
  if (kept) return { body: kept as Uint8Array<ArrayBuffer> }
  if (raw.readableDidRead) throw unavailable('fastifyPortal')
  return { body: streamOf(raw, reply.raw), duplex: 'half' } as RequestInit
}
