import type { Readable } from 'node:stream'
import type { Bytes, VerificationCode } from '@hooks/core'
import type { FastifyRequest } from 'fastify'

/** Where a host's plugin or a cloud function keeps the bytes that it has read. */
interface Kept {
  readonly rawBody?: unknown
}

/**
 * The bytes of a request's body: those that the host kept, or those of `payload`, of which it reads at most one chunk
 * more than `limit`. It begins to read at once, so that whoever else listens to the stream gets the same bytes.
 */
export async function readBody(request: FastifyRequest, payload: Readable, limit: number): Promise<Bytes> {
  const kept = [(request as Kept).rawBody, (request.raw as Kept).rawBody].find(isBytes)
  if (kept) return kept
  // Somebody was here. What was made of the bytes is not what was signed.
  if (payload.readableDidRead) throw unavailable()
  const chunks: Bytes[] = []
  let length = 0
  // The stream stays open for the answer.
  for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) break
  }
  return Buffer.concat(chunks)
}

function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) && (value as Bytes).BYTES_PER_ELEMENT === 1
}

function unavailable(): Error {
  const code: VerificationCode = 'body_unavailable'
  return Object.assign(new Error('the body was read before the receiver'), {
    code,
    hint: 'let no hook in front of fastifyReceiver read the body, or let it keep the bytes as request.rawBody, a Buffer',
  })
}
