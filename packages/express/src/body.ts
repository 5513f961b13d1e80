import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Bytes, VerificationCode } from '@hooks/core'

/** What an Express request has of its body. */
export interface BodyRequest extends IncomingMessage {
  /** What {@link rawBody}, Nest's `rawBody: true` or a cloud function kept. */
  rawBody?: unknown
  /** What a body parser made. */
  body?: unknown
}

/**
 * Keeps the bytes that a body parser read, for hosts whose parser must stay in front of everything.
 *
 * @example
 * app.use(express.json({ verify: rawBody }))
 * app.post('/webhooks', expressReceiver(receiver))
 */
export function rawBody(request: IncomingMessage, _response: ServerResponse, bytes: Bytes): void {
  const kept: BodyRequest = request
  kept.rawBody = bytes
}

/**
 * The bytes of a request's body: those that were kept, those of `express.raw()`, or the stream's, of which it reads no
 * more than `limit`. It rejects with an error whose `code` is `body_unavailable` where a parser left no bytes,
 * `body_too_large`, or `body_incomplete` where the sender broke off.
 */
export async function readBody(request: BodyRequest, limit: number): Promise<Bytes> {
  const { rawBody, body } = request
  const bytes = isBytes(rawBody) ? rawBody : isBytes(body) ? body : undefined
  if (!bytes) return readStream(request, limit)
  if (bytes.length > limit) throw tooLarge()
  return bytes
}

function readStream(request: IncomingMessage, limit: number): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    // A parser was here, or an encoding was set. What becomes of the bytes is not what was signed.
    if (request.readableDidRead || request.readableEncoding) return reject(unavailable('expressReceiver'))
    if (request.readableEnded) return resolve(new Uint8Array())
    if (request.destroyed) return reject(incomplete())
    if (Number(request.headers['content-length']) > limit) return reject(tooLarge())
    const chunks: Bytes[] = []
    let length = 0
    const onData = (chunk: Bytes) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > limit) finish(() => reject(tooLarge()))
    }
    const onEnd = () => finish(() => resolve(Buffer.concat(chunks)))
    const onBreak = () => finish(() => reject(incomplete()))
    const finish = (settle: () => void) => {
      request.pause()
      request.off('data', onData).off('end', onEnd).off('error', onBreak).off('close', onBreak)
      settle()
    }
    request.on('data', onData).on('end', onEnd).on('error', onBreak).on('close', onBreak)
  })
}

export function isBytes(value: unknown): value is Bytes {
  // By what it is, not by its class: a test runner's sandbox has a class of its own.
  return ArrayBuffer.isView(value) && (value as Bytes).BYTES_PER_ELEMENT === 1
}

const failure = (code: VerificationCode, message: string, hint?: string) =>
  Object.assign(new Error(message), { code }, hint && { hint })

const tooLarge = () => failure('body_too_large', 'body too large')
const incomplete = () => failure('body_incomplete', 'the sender broke off')

/** A parser was in front of one of our middlewares, and kept no bytes. */
export const unavailable = (middleware: string) =>
  failure(
    'body_unavailable',
    `a body parser has read the request before ${middleware}`,
    `put ${middleware}() in front of express.json(), or give the parser rawBody of @hooks/express: express.json({ verify: rawBody })`,
  )
