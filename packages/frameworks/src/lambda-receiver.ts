import type { RequestHandler } from '@hooks/receiver'

/** What the events of API Gateway (REST 1.0 and HTTP 2.0), function URLs and load balancers have in common. */
export interface LambdaEvent {
  readonly httpMethod?: string
  readonly path?: string
  readonly rawPath?: string
  readonly rawQueryString?: string
  readonly requestContext: { readonly http?: { readonly method: string } }
  readonly headers?: Readonly<Record<string, string | undefined>> | null
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>> | null
  readonly body?: string | null
  readonly isBase64Encoded: boolean
}

/** A receiver as a Lambda handler. */
export function lambdaReceiver(receiver: RequestHandler) {
  return async (event: LambdaEvent) => {
    const { httpMethod, path = '', rawPath = path, rawQueryString, requestContext } = event
    const { status, headers, body } = await receiver.handle({
      method: requestContext.http?.method ?? httpMethod ?? '',
      url: rawQueryString ? `${rawPath}?${rawQueryString}` : rawPath,
      headers: event.multiValueHeaders ?? event.headers ?? {},
      body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    })
    // A load balancer that sends every value wants every value; API Gateway takes them too.
    const values = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
    return { statusCode: status, headers, ...(event.multiValueHeaders && { multiValueHeaders: values }), body }
  }
}
