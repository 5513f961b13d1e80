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
export function readBody(request: FastifyRequest, payload: Readable, limit: number): Promise<Bytes> {
  const kept = keptOf(request)
  return kept ? Promise.resolve(kept) : readStream(payload, limit)
}

/** The bytes that the host kept, if it did. */
export function keptOf(request: FastifyRequest): Bytes | undefined {
  return [(request as Kept).rawBody, (request.raw as Kept).rawBody].find(isBytes)
}

// By events: an async iterator costs half of what a small request costs in all.
function readStream(payload: Readable, limit: number): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    // Somebody was here. What was made of the bytes is not what was signed.
    if (payload.readableDidRead) return reject(unavailable('fastifyReceiver'))
    if (payload.destroyed) return reject(incomplete())
    const chunks: Bytes[] = []
    let length = 0
    const finish = () => {
      payload.off('data', onData).off('end', onEnd).off('error', onBreak).off('close', onBreak)
    }
    const onData = (chunk: Bytes | string) => {
      // A hook makes text of it. The next request of the connection is behind what is left.
      if (typeof chunk === 'string') {
        finish()
        payload.resume()
        return reject(unavailable('fastifyReceiver'))
      }
      chunks.push(chunk)
      length += chunk.length
      if (length <= limit) return
      // It flows on, to nobody, until it ends or the connection does.
      onEnd()
    }
    const onEnd = () => {
      finish()
      resolve(chunks.length === 1 ? (chunks[0] as Bytes) : Buffer.concat(chunks))
    }
    const onBreak = () => {
      finish()
      reject(incomplete())
    }
    payload.on('data', onData).on('end', onEnd).on('error', onBreak).on('close', onBreak)
  })
}

function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) && (value as Bytes).BYTES_PER_ELEMENT === 1
}

const failure = (code: VerificationCode, message: string, hint?: string) =>
  Object.assign(new Error(message), { code }, hint && { hint })

const incomplete = () => failure('body_incomplete', 'the sender broke off')

/** A hook in front of one of our plugins has read the body, and kept no bytes. */
export const unavailable = (plugin: string) =>
  failure(
    'body_unavailable',
    `the body was read before ${plugin}`,
    `let no hook in front of ${plugin} read the body, or let it keep the bytes as request.rawBody, a Buffer`,
  )
