import type { RequestHandler } from '@hooks/receiver'

/** What the events of API Gateway (REST 1.0 and HTTP 2.0), function URLs and load balancers have in common. */
export interface LambdaEvent {
  readonly httpMethod?: string
  readonly path?: string
  readonly rawPath?: string
  readonly rawQueryString?: string
  readonly multiValueQueryStringParameters?: Lists | null
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null
  readonly requestContext: {
    readonly http?: { readonly method: string }
    readonly domainName?: string
    /** With the stage, which `path` is without. */
    readonly path?: string
    /** Of a load balancer. */
    readonly elb?: unknown
  }
  readonly headers?: Readonly<Record<string, string | undefined>> | null
  readonly multiValueHeaders?: Lists | null
  readonly body?: string | null
  readonly isBase64Encoded: boolean
}

type Lists = Readonly<Record<string, readonly string[] | undefined>>

export interface LambdaReceiverOptions {
  /** The URL that the sender has, for formats that sign it, where it is not the one that `urlOf` makes of an event. */
  readonly publicUrl?: string | ((event: LambdaEvent) => string)
}

/** A receiver as a Lambda handler. */
export function lambdaReceiver(receiver: RequestHandler, { publicUrl = urlOf }: LambdaReceiverOptions = {}) {
  return async (event: LambdaEvent) => {
    const { status, headers, body } = await receiver.handle({
      method: event.requestContext.http?.method ?? event.httpMethod ?? '',
      url: typeof publicUrl === 'function' ? publicUrl(event) : publicUrl,
      headers: event.multiValueHeaders ?? event.headers ?? {},
      body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    })
    // A load balancer that sends every value wants every value; API Gateway takes them too.
    const values = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
    return { statusCode: status, headers, ...(event.multiValueHeaders && { multiValueHeaders: values }), body }
  }
}

/** The URL that was asked for, as far as an event tells it. */
export function urlOf(event: LambdaEvent): string {
  const { domainName, path = event.path ?? '' } = event.requestContext
  const host = domainName ?? event.headers?.host ?? event.multiValueHeaders?.host?.[0]
  const query = event.rawQueryString ?? queryOf(event)
  return `https://${host}${event.rawPath ?? path}${query && `?${query}`}`
}

/** A REST API hands over its query decoded, a load balancer as it came. */
function queryOf(event: LambdaEvent): string {
  const written = event.requestContext.elb ? String : encodeURIComponent
  const pairs = event.multiValueQueryStringParameters ?? event.queryStringParameters ?? {}
  return Object.entries(pairs)
    .flatMap(([name, values]) => [values ?? ''].flat().map((value) => `${written(name)}=${written(value)}`))
    .join('&')
}
