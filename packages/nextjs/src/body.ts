import type { Readable } from 'node:stream'
import { type Bytes, joinBytes } from '@hooks/core'

/** Bytes in pieces: the body of a fetch `Request`, or a stream of Node.js. */
type Pieces = AsyncIterable<Bytes>

/** The bytes of a fetch `Request`, at most one piece more than `limit`; none where somebody has read it. */
export async function readRequest({ body, bodyUsed }: Request, limit: number): Promise<Bytes | undefined> {
  if (bodyUsed || body?.locked) return undefined
  return body ? collect(body, limit) : new Uint8Array()
}

/** The bytes of a Node.js request, at most one piece more than `limit`; none where somebody has read it, or made it text. */
export async function readStream(stream: Readable, limit: number): Promise<Bytes | undefined> {
  if (stream.readableDidRead || stream.readableEncoding) return undefined
  // It stays open for the answer.
  return collect(stream.iterator({ destroyOnReturn: false }) as Pieces, limit)
}

async function collect(pieces: Pieces, limit: number): Promise<Bytes> {
  const chunks: Bytes[] = []
  let length = 0
  for await (const chunk of pieces) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) break
  }
  return joinBytes(chunks)
}
