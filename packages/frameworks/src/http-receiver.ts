import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestHandler } from '@hooks/receiver'

export interface HttpReceiverOptions {
  /** The URL that the sender has, for formats that sign it. The path of the request by default. */
  readonly publicUrl?: string | ((request: IncomingMessage) => string)
}

/** A receiver behind node:http, for `createServer` and whatever hands on its requests. */
export function httpReceiver(receiver: RequestHandler, { publicUrl = pathOf }: HttpReceiverOptions = {}) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status, headers, body, outcome } = await receiver.handle({
      method: request.method ?? '',
      url: typeof publicUrl === 'function' ? publicUrl(request) : publicUrl,
      headers: request.headersDistinct, // `headers` joins those that came twice
      body: () => readBody(request, receiver.maxBodyBytes),
    })
    // What is left of it is dropped: read, where it ends soon, for many senders listen only once they have said all.
    if (outcome === 'body_too_large') {
      if (Number(request.headers['content-length']) <= MOST_DROPPED) request.resume()
      else response.setHeader('connection', 'close')
    }
    response.writeHead(status, headers).end(body)
  }
}

const pathOf = (request: IncomingMessage) => request.url ?? ''

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
