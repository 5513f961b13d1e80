import { createHash, createHmac } from 'node:crypto'
import { createReceiver, type WireFormat } from '@hooks/receiver'
import { hubspot, square, twilio } from '@hooks/receiver/formats'
import { type SignedRequest, signRequest } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'
import { type LambdaEvent, lambdaReceiver } from '../src/lambda-receiver.ts'

const SECRET = 'a secret of text, of 30 letters'
const DOMAIN = 'abc123.execute-api.eu-west-1.amazonaws.com'

interface Way {
  readonly name: string
  /** Of the URL that the sender has. */
  readonly path: string
  event(request: SignedRequest, url: URL): LambdaEvent
}

const content = ({ body }: SignedRequest) => ({ body: Buffer.from(body).toString(), isBase64Encoded: false })
const decoded = ({ searchParams }: URL) =>
  Object.fromEntries([...searchParams.keys()].map((name) => [name, searchParams.getAll(name)]))
const last = (lists: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.at(-1)]))
const lists = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))

/** Payload format version 2.0: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
const version2 =
  (path: string, domainName: string): Way['event'] =>
  (request, url) => ({
    ...content(request),
    rawPath: path,
    rawQueryString: url.search.slice(1),
    ...(url.search && { queryStringParameters: last(decoded(url)) }),
    headers: { host: domainName, ...request.headers },
    requestContext: { domainName, http: { method: request.method } },
  })

const ways: readonly Way[] = [
  {
    // docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html: `path` is without the stage.
    name: 'a REST API',
    path: `${DOMAIN}/prod/webhooks`,
    event: (request, url) => ({
      ...content(request),
      httpMethod: request.method,
      path: '/webhooks',
      queryStringParameters: url.search ? last(decoded(url)) : null,
      multiValueQueryStringParameters: url.search ? decoded(url) : null,
      headers: { Host: DOMAIN, ...request.headers },
      multiValueHeaders: { Host: [DOMAIN], ...lists(request.headers) },
      requestContext: { domainName: DOMAIN, path: '/prod/webhooks' },
    }),
  },
  { name: 'an HTTP API', path: `${DOMAIN}/webhooks`, event: version2('/webhooks', DOMAIN) },
  {
    name: 'a function URL',
    path: 'xyz.lambda-url.eu-west-1.on.aws/webhooks',
    event: version2('/webhooks', 'xyz.lambda-url.eu-west-1.on.aws'),
  },
  {
    // docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html: the query is not decoded.
    name: 'a load balancer',
    path: 'acme.example/webhooks',
    event: (request, url) => ({
      ...content(request),
      httpMethod: request.method,
      path: '/webhooks',
      queryStringParameters: Object.fromEntries(
        url.search
          .slice(1)
          .split('&')
          .filter(Boolean)
          .map((pair) => pair.split('=') as [string, string]),
      ),
      headers: { host: 'acme.example', ...request.headers },
      requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/1' } },
    }),
  },
]

const json = '{"n":1}'
const digest = createHash('sha256').update(json).digest('hex')
const requests: readonly [string, WireFormat, query: string, body?: string][] = [
  ['Square', square(), ''],
  ['HubSpot', hubspot(), ''],
  ['HubSpot, with a query', hubspot(), '?portal=1&name=a%20b%2Fc'],
  ['Twilio', twilio(), ''],
  ['Twilio, with the digest of its JSON in the query', twilio(), `?foo=a%20b&bodySHA256=${digest}`, json],
]

/** Twilio signs of JSON the URL alone, which has its digest. */
const signedJson = (url: string, body: string): SignedRequest => ({
  method: 'POST',
  url,
  headers: { 'x-twilio-signature': createHmac('sha1', SECRET).update(url).digest('base64') },
  body: new TextEncoder().encode(body),
})

describe.each(ways)('Lambda behind $name', ({ path, event }) => {
  it.each(requests)('verifies what signs its URL: %s', async (_, format, query, body) => {
    const url = `https://${path}${query}`
    const type = format.name === 'hubspot' ? 'events' : 'message.received'
    const sign = async (url: string): Promise<SignedRequest> =>
      body === undefined ? signRequest(format, SECRET, { type, url }) : signedJson(url, body)
    const request = await sign(url)
    const handler = lambdaReceiver(createReceiver({ format, secret: SECRET }).on('*', () => {}))
    expect((await handler(event(request, new URL(url)))).statusCode).toBe(200)
    const elsewhere = await sign(`${url}${query ? '&' : '?'}more=1`)
    expect((await handler(event(elsewhere, new URL(url)))).statusCode).toBe(401)
  })

  it.each(['https://acme.example/in/webhooks', () => 'https://acme.example/in/webhooks'])(
    'takes the public URL where that is another: %o',
    async (publicUrl) => {
      const receiver = createReceiver({ format: square(), secret: SECRET }).on('*', () => {})
      const request = await signRequest(square(), SECRET, { type: 'a.b', url: 'https://acme.example/in/webhooks' })
      const sent = event(request, new URL(`https://${path}`))
      expect((await lambdaReceiver(receiver)(sent)).statusCode).toBe(401)
      expect((await lambdaReceiver(receiver, { publicUrl })(sent)).statusCode).toBe(200)
    },
  )
})
