import type { ApiOperation } from '@hooks/core'
import type { Call, Operation } from '../call.ts'
import type { Shape } from '../shape.ts'
import { BODIES, QUERIES, SCHEMAS, SUMMARIES } from './openapi-parts.ts'

/** The API as it is, as an OpenAPI 3.1 document: the product's own routes and names, where it has its own. */
export const describeApi: Operation = {
  needs: 'read',
  run: async ({ shape, contract }: Call) => [200, openApiOf(shape, contract.api.show !== undefined)],
}

type Json = Readonly<Record<string, unknown>>

function openApiOf(shape: Shape, ownShapes: boolean): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const [operation, route] of Object.entries(shape.routes) as [ApiOperation, string][]) {
    const [method = '', path = ''] = route.split(' ')
    const template = `${shape.base}${path}`.replace(/\/$/, '').replaceAll(/:(\w+)/g, '{$1}')
    const methods = operation === 'updateEndpoint' ? ['patch', 'put'] : [method.toLowerCase()]
    for (const one of methods) {
      const id = one === 'put' ? `${operation}ByPut` : operation
      paths[template] = { ...paths[template], [one]: described(operation, id, template, shape, ownShapes) }
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Webhooks', version: '1.0.0', description: 'Endpoints, and what was delivered to them.' },
    servers: [{ url: upFrom(`${shape.base}${shape.routes.describeApi.split(' ')[1]}`) }],
    paths,
    components: {
      schemas: ownShapes ? { Problem: SCHEMAS.Problem } : SCHEMAS,
      securitySchemes: { host: { type: 'http', scheme: 'bearer', description: 'As the host has it.' } },
    },
    security: [{ host: [] }],
  }
}

/** Where the API begins, from where its description is: so it need not know where it is mounted. */
const upFrom = (path: string) =>
  path
    .split('/')
    .filter((segment) => segment !== '')
    .slice(1)
    .map(() => '..')
    .join('/') || '.'

function described(operation: ApiOperation, id: string, path: string, shape: Shape, ownShapes: boolean): Json {
  const { summary, status = 200, schema } = SUMMARIES[operation]
  const body = BODIES[operation]
  const query = [...(QUERIES[operation] ?? []), ...(shape.numbered && isPaged(operation) ? ['page', 'pageSize'] : [])]
  const content = schema && !ownShapes ? { $ref: `#/components/schemas/${schema}` } : {}
  return {
    operationId: id,
    summary,
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter(name ?? '', 'path')),
      ...query.map((name) => parameter(shape.nameOf(name), 'query')),
      ...(IDEMPOTENT.has(operation) ? [parameter('Idempotency-Key', 'header')] : []),
      ...(operation === 'updateEndpoint' ? [parameter('If-Match', 'header')] : []),
    ],
    ...(body && { requestBody: { required: body.required.length > 0, content: json(named(body, shape)) } }),
    responses: {
      [status]: { description: 'Done.', ...(status !== 204 && { content: json(content) }) },
      default: {
        description: 'Refused.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

/** What a product's own API does not take. */
const OURS = new Set(['rateLimit', 'headers', 'filter', 'payload', 'version'])
const IDEMPOTENT: ReadonlySet<ApiOperation> = new Set([
  'createEndpoint',
  'testEndpoint',
  'resendDelivery',
  'recoverEndpoint',
  'replayMissing',
  'overviewRecover',
])
const isPaged = (operation: ApiOperation) => operation === 'endpointDeliveries' || operation === 'listDeliveries'
const json = (schema: Json) => ({ 'application/json': { schema } })

const parameter = (name: string, place: 'path' | 'query' | 'header'): Json => ({
  name,
  in: place,
  required: place === 'path',
  schema: { type: 'string' },
})

function named({ properties, required }: { properties: Json; required: readonly string[] }, shape: Shape): Json {
  const given = Object.entries(properties).filter(
    ([name]) => !(name === 'secret' && shape.secret === 'generated') && !(shape.base !== '' && OURS.has(name)),
  )
  const needed =
    shape.secret === 'client' && 'url' in properties && required.length > 0 ? [...required, 'secret'] : required
  return {
    type: 'object',
    properties: Object.fromEntries(given.map(([name, schema]) => [shape.nameOf(name), schema])),
    ...(needed.length > 0 && { required: needed.map(shape.nameOf) }),
  }
}
