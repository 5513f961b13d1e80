import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HandledRequest, RequestHandler } from '@hooks/core'
import { type RawBodyRequest, readRawBody } from './raw-body.ts'

/** Options of {@link expressReceiver}. */
export interface ExpressReceiverOptions {
  /** The largest body, in bytes. Default: the receiver's own limit, 1 MiB. */
  readonly limit?: number
}

/** Express 4 and 5, Connect and Polka take it. */
export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * A receiver as middleware. It reads the bytes itself, so mount it before `express.json()`; where a parser has been
 * before it, it answers 500 and the log names the two ways to mend that. It answers every request that it gets:
 * `next` is called with the error where the answer cannot be written, and never else.
 *
 * @example
 * app.post('/webhooks', expressReceiver(receiver))
 * app.use(express.json())
 */
export function expressReceiver(receiver: RequestHandler, options: ExpressReceiverOptions = {}): ExpressMiddleware {
  const limit = options.limit ?? receiver.maxBodyBytes
  return (request, response, next) => {
    const { originalUrl } = request as { originalUrl?: string }
    receiver
      .handle({
        method: request.method ?? '',
        url: originalUrl ?? request.url ?? '',
        // Node.js joins or drops headers that came twice; only the raw ones show it.
        headers: pairs(request.rawHeaders),
        body: () => readRawBody(request as RawBodyRequest, limit),
      })
      .then((answer) => write(response, answer))
      .catch(next)
  }
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  return Array.from({ length: rawHeaders.length / 2 }, (_, i) => [
    rawHeaders[2 * i] as string,
    rawHeaders[2 * i + 1] as string,
  ])
}

function write(response: ServerResponse, { status, headers, body, outcome }: HandledRequest): void {
  if (response.destroyed) return
  // What is left of the body would have to be read before the connection could carry another request.
  if (outcome === 'body_too_large') response.setHeader('connection', 'close')
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
