import type { Readable } from 'node:stream'
import { type Bytes, joinBytes } from '@hooks/core'

/** Bytes in pieces: the body of a fetch `Request`, or a stream of Node.js. */
type Pieces = AsyncIterable<Bytes>

/** What is read of a body that is not wanted, in bytes: more than the largest that GitHub sends, 25 MB. */
export const MOST_DROPPED = 32 * 1024 * 1024

/**
 * The bytes of a fetch `Request`, at most one piece more than `limit`; none where somebody has read it. What ends soon by
 * its own account is read to its end, and dropped: many senders listen only once they have said all, and would hear a reset
 * in place of the answer.
 */
export async function readRequest({ body, bodyUsed, headers }: Request, limit: number): Promise<Bytes | undefined> {
  if (bodyUsed || body?.locked) return undefined
  if (!body) return new Uint8Array()
  const declared = Number(headers.get('content-length'))
  return collect(body, limit, declared <= MOST_DROPPED ? Math.max(declared, limit) : limit)
}

/** The bytes of a Node.js request, at most one piece more than `limit`; none where somebody has read it, or made it text. */
export async function readStream(stream: Readable, limit: number): Promise<Bytes | undefined> {
  if (stream.readableDidRead || stream.readableEncoding) return undefined
  // It stays open for the answer.
  return collect(stream.iterator({ destroyOnReturn: false }) as Pieces, limit)
}

/** Reads `most`, and keeps `limit` and one piece. */
async function collect(pieces: Pieces, limit: number, most = limit): Promise<Bytes> {
  const chunks: Bytes[] = []
  let length = 0
  for await (const chunk of pieces) {
    if (length <= limit) chunks.push(chunk)
    length += chunk.length
    if (length > most) break
  }
  return joinBytes(chunks)
}
