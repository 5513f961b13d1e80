import type { RequestListener } from 'node:http'
import type { LambdaEvent, lambdaReceiver } from '../src/lambda-receiver.ts'

/** `rest` has the binary media type of everything, `rest-text` none; `http` sends what is not text as base64. */
type Kind = 'rest' | 'rest-text' | 'http'

/**
 * Stands in for API Gateway: the events are those of its documentation (payload format versions 1.0 and 2.0), cut to
 * what a handler could look at.
 */
export function gateway(kind: Kind, handler: ReturnType<typeof lambdaReceiver>): RequestListener {
  return async (request, response) => {
    const chunks: Uint8Array[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return // A sender that broke off never reaches the function.
    }
    const bytes = Buffer.concat(chunks)
    const [path = '', query = ''] = (request.url ?? '').split('?')
    const domainName = request.headers.host ?? ''
    const isText = /^text\/|json|xml|javascript/.test(request.headers['content-type'] ?? '')
    const isBase64Encoded = kind === 'rest' || (kind === 'http' && !isText)
    const content = {
      body: bytes.length > 0 ? bytes.toString(isBase64Encoded ? 'base64' : 'utf8') : null,
      isBase64Encoded: bytes.length > 0 && isBase64Encoded,
    }
    const { method = '' } = request
    const event: LambdaEvent =
      kind === 'http'
        ? {
            ...content,
            rawPath: path,
            rawQueryString: query,
            requestContext: { domainName, http: { method } },
            headers: Object.fromEntries(
              Object.entries(request.headersDistinct).map(([name, values = []]) => [name, values.join(',')]),
            ),
          }
        : {
            ...content,
            httpMethod: method,
            path,
            requestContext: { domainName, path },
            headers: Object.fromEntries(
              Object.entries(request.headersDistinct).map(([name, values = []]) => [name, values.at(-1)]),
            ),
            multiValueHeaders: request.headersDistinct,
          }
    const { statusCode, headers, body } = await handler(event)
    response.writeHead(statusCode, headers).end(body)
  }
}
