import type { RequestHandler } from '@hooks/core'
import { readRequest } from './body.ts'
import { checkServed } from './served.ts'

/** Options of {@link nextReceiver}. */
export interface NextReceiverOptions {
  /** `after` of `next/server`: what the receiver does after the answer then ends before the function sleeps. */
  readonly waitUntil?: (promise: Promise<unknown>) => void
  /**
   * The URL that the sender has, to the letter, for formats that sign it. `request.url` by default, which is another one
   * behind a proxy, where there is a `basePath` (Next.js takes it off), and with a query that Next.js writes anew (`%20`
   * as `+`).
   */
  readonly publicUrl?: string | ((request: Request) => string)
}

/** What the App Router calls. */
export type RouteHandler = (request: Request) => Promise<Response>

/** One handler for each method that a route can export. Those that the format does not take answer 405. */
export type NextReceiver = Readonly<
  Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS', RouteHandler>
>

/**
 * A receiver as a route of the App Router, for Next.js 15 and 16.
 *
 * @example
 * // app/webhooks/route.ts
 * import { after } from 'next/server'
 * export const { POST } = nextReceiver(receiver, { waitUntil: after })
 */
export function nextReceiver(receiver: RequestHandler, options: NextReceiverOptions = {}): NextReceiver {
  checkServed(receiver, 'handle', 'nextReceiver')
  const { waitUntil, publicUrl } = options
  const handler: RouteHandler = async (request) => {
    const answer = await receiver.handle({
      method: request.method,
      url: typeof publicUrl === 'function' ? publicUrl(request) : (publicUrl ?? request.url),
      headers: request.headers,
      body: () => readRequest(request, receiver.maxBodyBytes),
      ...(waitUntil && { waitUntil }),
    })
    return new Response(answer.body || null, answer)
  }
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
