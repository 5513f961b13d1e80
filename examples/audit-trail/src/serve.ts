import { createServer, type IncomingMessage, type Server } from 'node:http'

/** What a `route.ts` exports, and what else may stand there. */
export type RouteModule = Readonly<Record<string, unknown>>
type Handler = (request: Request, context: { readonly params: Promise<{ path?: string[] }> }) => Promise<Response>

/** Serves the route handlers of an App Router without Next.js, by their folders: `/api/v1/webhooks/[[...path]]`. */
export function serveRoutes(routes: Readonly<Record<string, RouteModule>>): Server {
  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    for (const [folder, module] of Object.entries(routes)) {
      const base = folder.replace('/[[...path]]', '')
      const rest = base === folder ? [] : pathname.slice(base.length).split('/').filter(Boolean)
      if (pathname !== base && !(rest.length > 0 && pathname.startsWith(`${base}/`))) continue
      const handler = module[request.method] as Handler | undefined
      const params = Promise.resolve(rest.length > 0 ? { path: rest } : {})
      return handler ? handler(request, { params }) : new Response(null, { status: 405 })
    }
    return new Response(null, { status: 404 })
  }

  return createServer(async (incoming, outgoing) => {
    try {
      const { status, headers, body } = await answer(await requestOf(incoming))
      outgoing.writeHead(status, Object.fromEntries(headers))
      outgoing.end(body ? Buffer.from(await new Response(body).arrayBuffer()) : undefined)
    } catch {
      outgoing.writeHead(500).end()
    }
  })
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = 'GET', url = '/', headersDistinct } = incoming
  const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const body = method === 'GET' || method === 'HEAD' || chunks.length === 0 ? null : Buffer.concat(chunks)
  return new Request(new URL(url, `http://${incoming.headers.host ?? 'localhost'}`), { method, headers, body })
}
