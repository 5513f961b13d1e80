import type { ServerResponse } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { RequestHandler } from '@hooks/core'
import { type BodyRequest, readBody } from './body.ts'
import { checkServed } from './served.ts'

/** Options of {@link expressReceiver}. */
export interface ExpressReceiverOptions {
  /** The largest body that is read, in bytes: the receiver's `maxBodyBytes` by default, and never more. */
  readonly limit?: number
  /**
   * The URL that the sender has, to the letter, for formats that sign it: behind a proxy the server sees another one.
   * The path of the request by default.
   */
  readonly publicUrl?: string | ((request: ExpressRequest) => string)
}

/** What Express 4 and 5, Connect and Nest hand to a middleware. */
export interface ExpressRequest extends BodyRequest {
  /** The URL before routers cut it. */
  readonly originalUrl?: string
}

/** Compared with what is none, every body is small enough. */
const notALimit = () =>
  Object.assign(new TypeError('expressReceiver: limit is not a number of bytes'), {
    code: 'option_invalid',
    hint: "such as 100_000: a text such as '1mb' is for the body parsers of Express",
  })

/** A middleware that answers every request that it gets. */
export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * A receiver as middleware, for Express 4 and 5. It reads the body itself: no parser is needed, and one in front of it
 * must keep the bytes (`rawBody`). It answers every request, and calls `next` only if that fails. It throws, with the `code`
 * `option_invalid`, where it is given no receiver, or a `limit` that is no number of bytes.
 *
 * @example
 * app.post('/webhooks', expressReceiver(receiver))   // before app.use(express.json())
 */
export function expressReceiver(receiver: RequestHandler, options: ExpressReceiverOptions = {}): ExpressMiddleware {
  checkServed(receiver, 'handle', 'expressReceiver')
  if (options.limit !== undefined && !(Number.isFinite(options.limit) && options.limit >= 0)) throw notALimit()
  const limit = Math.min(options.limit ?? receiver.maxBodyBytes, receiver.maxBodyBytes)
  const { publicUrl } = options
  const answer = async (request: ExpressRequest, response: ServerResponse): Promise<void> => {
    const { status, headers, body, outcome } = await receiver.handle({
      method: request.method ?? '',
      url:
        typeof publicUrl === 'function' ? publicUrl(request) : (publicUrl ?? request.originalUrl ?? request.url ?? ''),
      // As they came: `request.headers` joins those that came twice.
      headers: request.rawHeaders,
      body: () => readBody(request, limit),
    })
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (outcome === 'body_too_large') cutShort(request, response)
    response.end(body)
  }
  return (request, response, next) => {
    answer(request, response).catch(next)
  }
}

/** What is read of a body that is not wanted, in bytes: more than the largest that GitHub sends, 25 MB. */
const MOST_DRAINED = 32 * 1024 * 1024

/**
 * What the sender still has to say is dropped: read, where it ends soon, for many listen only once they have said all, and
 * would hear a reset in place of the answer; else by hanging up once the answer is out. HTTP/2 has a stream for each
 * request: left open, it would be kept as long as its connection.
 */
function cutShort(request: ExpressRequest, response: ServerResponse): void {
  if (Number(request.headers['content-length']) <= MOST_DRAINED) return void request.resume()
  if (request.httpVersionMajor === 1) return void response.setHeader('connection', 'close')
  const { stream } = request as unknown as Http2ServerRequest
  stream.once('finish', () => stream.destroy())
}
