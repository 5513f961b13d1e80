import type { IncomingMessage } from 'node:http'
import type { RequestHandler } from '@hooks/receiver'
import type { Context, Middleware } from 'koa'

export interface KoaReceiverOptions {
  /** The URL that the sender has, for formats that sign it. The path of the request by default. */
  readonly publicUrl?: string | ((ctx: Context) => string)
}

/** A receiver as a Koa middleware that answers every request that it gets. */
export function koaReceiver(receiver: RequestHandler, { publicUrl = pathOf }: KoaReceiverOptions = {}): Middleware {
  return async (ctx) => {
    const { status, headers, body, outcome } = await receiver.handle({
      method: ctx.method,
      url: typeof publicUrl === 'function' ? publicUrl(ctx) : publicUrl,
      headers: ctx.req.headersDistinct, // `headers` joins those that came twice
      body: () => readBody(ctx.req, receiver.maxBodyBytes),
    })
    ctx.status = status
    ctx.set(headers)
    // What is left of it is dropped: read, where it ends soon, for many senders listen only once they have said all.
    if (outcome === 'body_too_large') {
      if (Number(ctx.req.headers['content-length']) <= MOST_DROPPED) ctx.req.resume()
      else ctx.set('connection', 'close')
    }
    ctx.body = body || null
    ctx.status = status // Koa takes a missing body for a 204
  }
}

const pathOf = (ctx: Context) => ctx.originalUrl

/** In bytes: more than the largest that GitHub sends, 25 MB. */
const MOST_DROPPED = 32 * 1024 * 1024

async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  if (request.readableDidRead) return undefined // something has parsed it: the answer is 500, and the log says why
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) break // the receiver refuses it
  }
  return Buffer.concat(chunks)
}
