import type { IncomingMessage } from 'node:http'

/** A request whose bytes an earlier middleware kept. */
export interface RawBodyRequest extends IncomingMessage {
  body?: unknown
  rawBody?: unknown
}

/**
 * Keeps a request's bytes for `expressReceiver`, in an application whose `express.json()` reads every request:
 * `app.use(express.json({ verify: rawBody }))`. It keeps those that the parser reads; others are still unread.
 */
export function rawBody(request: IncomingMessage, _response: unknown, bytes: Uint8Array): void {
  ;(request as RawBodyRequest).rawBody = bytes
}

/**
 * A request's bytes as they came: kept by {@link rawBody} or `express.raw()`, else read from the stream. An object
 * that a parser made is never turned back into text: those would be other bytes.
 */
export async function readRawBody(request: RawBodyRequest, limit: number): Promise<Uint8Array> {
  for (const kept of [request.rawBody, request.body]) if (kept instanceof Uint8Array) return kept
  if (request.readableDidRead || request.readableEnded) {
    throw refusal(
      'body_unavailable',
      'the body was parsed before it was verified: mount expressReceiver before express.json(), ' +
        'or keep the bytes with express.json({ verify: rawBody })',
    )
  }
  if (request.destroyed) throw refusal('body_incomplete', 'the sender broke off')
  if (Number(request.headers['content-length']) > limit) throw tooLarge(limit)
  return collect(request, limit)
}

function collect(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const stop = (error: Error) => {
      request.pause()
      request.removeAllListeners('data')
      reject(error)
    }
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.length
      if (length > limit) return stop(tooLarge(limit))
      chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    const broken = () => reject(refusal('body_incomplete', 'the sender broke off'))
    request.on('error', broken)
    request.on('close', broken)
  })
}

function tooLarge(limit: number): Error {
  return refusal('body_too_large', `the body is larger than ${limit} bytes`)
}

/** What a receiver understands of a reader's failure is its code. */
function refusal(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
