import type { Http2ServerRequest } from 'node:http2'
import type { Readable } from 'node:stream'
import type { Bytes, RequestHandler } from '@hooks/core'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { readBody } from './body.ts'
import { checkServed } from './served.ts'

/** Options of {@link fastifyReceiver}, beside Fastify's own `prefix` and `logLevel`. */
export interface FastifyReceiverOptions {
  readonly receiver: RequestHandler
  /** The path of the route, behind the `prefix`: `/` by default, which is the prefix itself. */
  readonly url?: string
  /**
   * The URL that the sender has, to the letter, for formats that sign it: behind a proxy the server sees another one.
   * The path of the request by default.
   */
  readonly publicUrl?: string | ((request: FastifyRequest) => string)
}

/**
 * A receiver as a plugin, for Fastify 5. Parsers are its own, in its own scope: those of the host stay as they are. It
 * takes every method and every content-type, so that the receiver alone decides, and never more of a body than the
 * receiver's `maxBodyBytes`.
 *
 * @example
 * app.register(fastifyReceiver, { prefix: '/webhooks', receiver })
 */
export const fastifyReceiver: FastifyPluginAsync<FastifyReceiverOptions> = async (app, options) => {
  const { receiver, url = '/', publicUrl } = options
  checkServed(receiver, 'handle', 'fastifyReceiver')
  const read = (request: FastifyRequest, payload: Readable = request.raw) =>
    readBody(request, payload, receiver.maxBodyBytes)

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, parsed) => {
    const reading = read(request, payload)
    // It is looked at later, or, where the method does not fit, never.
    reading.catch(() => {})
    parsed(null, () => reading)
  })

  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { status, headers, body, outcome } = await receiver.handle({
      method: request.method,
      url: typeof publicUrl === 'function' ? publicUrl(request) : (publicUrl ?? request.originalUrl),
      // As they came: `request.headers` joins those that came twice.
      headers: request.raw.rawHeaders,
      // Fastify parses no body of a GET.
      body: (request.body as (() => Promise<Bytes>) | undefined) ?? (() => read(request)),
    })
    reply.code(status).headers(headers)
    if (outcome === 'body_too_large') cutShort(request, reply)
    // As text, which Node.js writes in one piece with the head; as it is, or Fastify would add a charset.
    void reply.serializer(asItIs).send(body || undefined)
  }
  const run = (request: FastifyRequest, reply: FastifyReply): void => {
    answer(request, reply).catch((error) => reply.send(error))
  }
  app.all(url, run)
  // A content-type that Fastify cannot read is its 415. A hook in front could hide it, and cost every request a tenth.
  app.setErrorHandler((error: { readonly code?: string }, request, reply) => {
    if (UNREAD.test(error.code ?? '')) run(request, reply)
    else reply.send(error)
  })
}

/** What is read of a body that is not wanted, in bytes: more than the largest that GitHub sends, 25 MB. */
const MOST_DRAINED = 32 * 1024 * 1024

/**
 * What the sender still has to say is dropped: read, where it ends soon, for many listen only once they have said all, and
 * would hear a reset in place of the answer; else by hanging up once the answer is out. HTTP/2 has a stream for each
 * request: left open, it would be kept as long as its connection.
 */
function cutShort({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (Number(raw.headers['content-length']) <= MOST_DRAINED) return
  if (raw.httpVersionMajor === 1) return void reply.header('connection', 'close')
  const { stream } = raw as unknown as Http2ServerRequest
  stream.once('finish', () => stream.destroy())
}

/** Nobody has looked at the body by then. */
const UNREAD = /^FST_ERR_(CTP_INVALID_MEDIA_TYPE|ROUTE_MISSING_CONTENT_TYPE)$/

const asItIs = (text: unknown) => text as string
