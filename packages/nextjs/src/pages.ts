import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Bytes, type RequestHandler, WebhookVerificationError } from '@hooks/core'
import { MOST_DROPPED, readStream } from './body.ts'
import { checkServed } from './served.ts'

/** What the Pages Router hands to an API route. */
export interface PagesRequest extends IncomingMessage {
  /** What a cloud function or a custom server kept. */
  readonly rawBody?: unknown
}

/** The default export of an API route. */
export type PagesHandler = (request: PagesRequest, response: ServerResponse) => Promise<void>

/** Options of {@link nextPagesReceiver}. */
export interface NextPagesReceiverOptions {
  /** What keeps the host alive after the answer, such as `waitUntil` of `@vercel/functions`. */
  readonly waitUntil?: (promise: Promise<unknown>) => void
  /**
   * The URL that the sender has, to the letter, for formats that sign it. The path of the request by default, off which
   * Next.js has taken the `basePath`.
   */
  readonly publicUrl?: string | ((request: PagesRequest) => string)
}

/**
 * A receiver as an API route of the Pages Router, for Next.js 15 and 16. Next.js must leave the body alone, and reads
 * that from the file's own text: `config` cannot be imported. Without it the answer is 500 `body_unavailable`.
 *
 * @example
 * // pages/api/webhooks.ts
 * export const config = { api: { bodyParser: false } }
 * export default nextPagesReceiver(receiver)
 */
export function nextPagesReceiver(receiver: RequestHandler, options: NextPagesReceiverOptions = {}): PagesHandler {
  checkServed(receiver, 'handle', 'nextPagesReceiver')
  const { waitUntil, publicUrl } = options
  return async (request, response) => {
    const { status, headers, body, outcome } = await receiver.handle({
      method: request.method ?? '',
      url: typeof publicUrl === 'function' ? publicUrl(request) : (publicUrl ?? request.url ?? ''),
      // As they came: `request.headers` joins those that came twice.
      headers: request.rawHeaders,
      body: () => readBody(request, receiver.maxBodyBytes),
      ...(waitUntil && { waitUntil }),
    })
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (outcome === 'body_too_large') cutShort(request, response)
    response.end(body)
  }
}

/**
 * What the sender still has to say is dropped: read, where it ends soon, for many listen only once they have said all, and
 * would hear a reset in place of the answer; else by hanging up once the answer is out.
 */
function cutShort(request: PagesRequest, response: ServerResponse): void {
  if (Number(request.headers['content-length']) <= MOST_DROPPED) request.resume()
  else response.setHeader('connection', 'close')
}

async function readBody(request: PagesRequest, limit: number): Promise<Bytes> {
  const { rawBody } = request
  if (ArrayBuffer.isView(rawBody)) return rawBody as Bytes
  const bytes = await readStream(request, limit)
  if (bytes) return bytes
  throw new WebhookVerificationError('body_unavailable', 'Next.js has parsed the body', {
    hint: 'put this line in the file of the API route: export const config = { api: { bodyParser: false } }',
  })
}
