import type {
  ApiDeliveries,
  ApiDelivery,
  ApiEndpoint,
  ApiEventType,
  ApiOperation,
  ApiProblem,
  ApiRoute,
  ApiShape,
  DeliveryState,
} from '@hooks/core'
import { checkShape } from './shape-check.ts'

/** An API's look, with every gap of an {@link ApiShape} filled by ours. */
export interface Shape {
  /** The path before every route; none for ours, which are below `/v1`. */
  readonly base: string
  readonly routes: Readonly<Partial<Record<ApiOperation, ApiRoute>>> & { readonly describeApi: ApiRoute }
  readonly secret: 'generated' | 'client' | 'either'
  readonly eventLimit: number
  readonly numbered: boolean
  /** Their name for one of ours. */
  nameOf(name: string): string
  /** Their word for a state. */
  wordOf(state: DeliveryState): string
  /** The states of one of their words; undefined where it is none. */
  statesOf(word: string): readonly DeliveryState[] | undefined
  readonly words: readonly string[]
  readonly show: Required<NonNullable<ApiShape['show']>>
}

const ROUTES: Readonly<Record<ApiOperation, ApiRoute>> = {
  listEventTypes: 'GET /event-types',
  listEndpoints: 'GET /',
  createEndpoint: 'POST /',
  getEndpoint: 'GET /:id',
  updateEndpoint: 'PATCH /:id',
  removeEndpoint: 'DELETE /:id',
  enableEndpoint: 'POST /:id/enable',
  disableEndpoint: 'POST /:id/disable',
  rotateSecret: 'POST /:id/rotate-secret',
  testEndpoint: 'POST /:id/test',
  listSecrets: 'GET /:id/secrets',
  pauseEndpoint: 'POST /:id/pause',
  resumeEndpoint: 'POST /:id/resume',
  endpointHealth: 'GET /:id/health',
  endpointDeliveries: 'GET /:id/deliveries',
  endpointStats: 'GET /:id/stats',
  listMessages: 'GET /messages',
  getMessage: 'GET /messages/:id',
  listDeliveries: 'GET /deliveries',
  getDelivery: 'GET /deliveries/:id',
  resendDelivery: 'POST /deliveries/:id/resend',
  cancelDelivery: 'POST /deliveries/:id/cancel',
  listVerificationCode: 'GET /verification-code',
  recoverEndpoint: 'POST /:id/recover',
  replayMissing: 'POST /:id/replay-missing',
  listJobs: 'GET /jobs',
  getJob: 'GET /jobs/:id',
  cancelJob: 'POST /jobs/:id/cancel',
  overview: 'GET /overview',
  overviewEndpoints: 'GET /overview/endpoints',
  overviewRecover: 'POST /overview/recover',
  describeApi: 'GET /openapi.json',
}

/** What a product's own API has where it names a route for it, and not otherwise: its document promises nothing of the kind. */
const OURS: readonly ApiOperation[] = [
  'listSecrets',
  'pauseEndpoint',
  'resumeEndpoint',
  'endpointHealth',
  'overview',
  'overviewEndpoints',
  'overviewRecover',
]

/** Operations of one endpoint, or of all: in our own API they are below `/endpoints`. */
const OF_ENDPOINTS = /^\w+ \/(:id|$)/

/** Our own routes: `/v1/endpoints/:id`, `/v1/deliveries/:id`, and so on. */
function ownRoutes(): Readonly<Record<ApiOperation, ApiRoute>> {
  return Object.fromEntries(
    Object.entries(ROUTES).map(([operation, route]) => {
      const [method, path = ''] = route.split(' ')
      return [operation, `${method} /v1${OF_ENDPOINTS.test(route) ? `/endpoints${path.replace(/\/$/, '')}` : path}`]
    }),
  ) as Record<ApiOperation, ApiRoute>
}

function productRoutes(): Shape['routes'] {
  const routes = Object.entries(ROUTES).filter(([operation]) => !OURS.includes(operation as ApiOperation))
  return Object.fromEntries(routes) as unknown as Shape['routes']
}

/** A contract's shape, or ours where it has none. @throws ConfigurationError `contract_invalid` */
export function shapeOf(api: ApiShape): Shape {
  checkShape(api, Object.keys(ROUTES) as ApiOperation[])
  const { names = {}, states, show } = api
  const nameOf = (name: string) => (names as Record<string, string>)[name] ?? name
  const renamed = (value: object) => Object.fromEntries(Object.entries(value).map(([key, one]) => [nameOf(key), one]))
  const words: readonly string[] = states ? Object.keys(states) : STATES
  return {
    base: api.base ?? '',
    routes: { ...(api.base === undefined ? ownRoutes() : productRoutes()), ...api.routes },
    secret: api.secret ?? 'either',
    eventLimit: api.eventLimit ?? 100,
    numbered: api.pages === 'numbered',
    nameOf,
    wordOf: (state) => words.find((word) => states?.[word]?.includes(state)) ?? state,
    statesOf: (word) => (words.includes(word) ? (states?.[word] ?? [word as DeliveryState]) : undefined),
    words,
    show: {
      endpoint: (endpoint: ApiEndpoint) => renamed(endpoint),
      endpoints: (data, next) => ({ data, nextCursor: next ?? null }),
      secret: (secret: string) => ({ [nameOf('secret')]: secret }),
      delivery: (delivery: ApiDelivery) => delivery,
      deliveries: ({ data, next, statistics, page, pageSize, total, pageCount }: ApiDeliveries) =>
        api.pages === 'numbered'
          ? { data, statistics, page, pageSize, total, pageCount }
          : { data, statistics, nextCursor: next ?? null },
      eventTypes: (data: readonly ApiEventType[]) => ({ data }),
      test: ({ id }) => ({ messageId: id }),
      problem: (problem: ApiProblem) => ({ type: 'about:blank', ...problem }),
      ...show,
    },
  }
}

const STATES: readonly DeliveryState[] = [
  'pending',
  'sending',
  'retrying',
  'delivered',
  'failed',
  'cancelled',
  'skipped',
]
