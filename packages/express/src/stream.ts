import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * The body of a request, read when it is asked for. What is left of it when the answer is out is read and dropped: the
 * next request of the connection is behind it.
 */
export function streamOf(request: IncomingMessage, response: ServerResponse): ReadableStream<Uint8Array> {
  const chunks = request.iterator({ destroyOnReturn: false })
  const drop = async (): Promise<void> => {
    await chunks.return?.()
    request.resume()
  }
  response.on('finish', () => void drop().catch(() => {}))
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    },
    { highWaterMark: 0 },
  )
}
