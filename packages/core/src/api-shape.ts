import type { ApiDeliveries, ApiDelivery, ApiEndpoint, ApiEventType, ApiProblem } from './api-answers.ts'
import type { DeliveryState } from './ports/storage/selector.ts'

/** What a management API can do. */
export type ApiOperation =
  | 'listEventTypes'
  | 'listEndpoints'
  | 'createEndpoint'
  | 'getEndpoint'
  | 'updateEndpoint'
  | 'removeEndpoint'
  | 'enableEndpoint'
  | 'disableEndpoint'
  | 'rotateSecret'
  | 'testEndpoint'
  | 'listSecrets'
  | 'pauseEndpoint'
  | 'resumeEndpoint'
  | 'endpointHealth'
  | 'endpointDeliveries'
  | 'endpointStats'
  | 'listMessages'
  | 'getMessage'
  | 'listDeliveries'
  | 'getDelivery'
  | 'resendDelivery'
  | 'cancelDelivery'
  | 'listVerificationCode'
  | 'recoverEndpoint'
  | 'replayMissing'
  | 'listJobs'
  | 'getJob'
  | 'cancelJob'
  | 'overview'
  | 'overviewEndpoints'
  | 'overviewRecover'
  | 'describeApi'

/** A route below the API's base; `:id` stands for the endpoint, the delivery or the message. */
export type ApiRoute = `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`

/** The fields and parameters whose names a product may choose. */
export type ApiName =
  | 'tenant'
  | 'name'
  | 'url'
  | 'events'
  | 'channels'
  | 'enabled'
  | 'secret'
  | 'metadata'
  | 'event'
  | 'status'
  | 'page'
  | 'pageSize'

/**
 * How a product's own management API looks, where it has promised its customers another than ours. Everything is
 * optional; inside there is one API, and this translates at its edge.
 *
 * @example
 * api: { base: '/api/webhooks', routes: { rotateSecret: 'POST /:id/regenerate-secret' }, names: { enabled: 'active' }, secret: 'generated' }
 */
export interface ApiShape {
  /** The path of the collection of endpoints, such as `/api/webhooks`; all routes are below it. */
  readonly base?: `/${string}`
  /** Routes that differ from ours, relative to `base`. PUT and PATCH of an endpoint are one, and both merge. */
  readonly routes?: Readonly<Partial<Record<ApiOperation, ApiRoute>>>
  /** The product's names for ours, in requests and, where nothing is said in `show`, in answers. */
  readonly names?: Readonly<Partial<Record<ApiName, string>>>
  /** Who chooses an endpoint's secret: `either` (the default) takes the client's, or makes one. With `generated` the client's is not taken. */
  readonly secret?: 'generated' | 'client' | 'either'
  /** How many event types an endpoint may name. */
  readonly eventLimit?: number
  /** The product's words for the states of deliveries: every state in one of them, so that their counts add up. */
  readonly states?: Readonly<Record<string, readonly DeliveryState[]>>
  /** `cursor` by default; `numbered` for `page` and `pageSize`. */
  readonly pages?: 'cursor' | 'numbered'
  /** The shapes of answers: ours in, theirs out. Keys come out in the order in which they are written. */
  readonly show?: {
    readonly endpoint?: (endpoint: ApiEndpoint) => unknown
    readonly endpoints?: (endpoints: readonly unknown[], next: string | undefined) => unknown
    readonly secret?: (secret: string, endpoint: ApiEndpoint) => unknown
    readonly delivery?: (delivery: ApiDelivery) => unknown
    readonly deliveries?: (page: ApiDeliveries) => unknown
    readonly eventTypes?: (types: readonly ApiEventType[]) => unknown
    readonly test?: (sent: { readonly id: string }) => unknown
    readonly problem?: (problem: ApiProblem) => unknown
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

/** What is wrong with a shape, in words, or undefined. */
export function faultOf({ states, base, routes }: ApiShape): string | undefined {
  if (base?.endsWith('/')) return 'api.base ends with "/"'
  for (const route of Object.values(routes ?? {})) {
    if (!/^(GET|POST|PUT|PATCH|DELETE) \/[\w:/.-]*$/.test(route)) return `api.routes has "${route}", which is no route`
  }
  if (!states) return undefined
  const named = Object.values(states).flat()
  const missing = STATES.find((state) => !named.includes(state))
  if (missing) return `api.states has no word for "${missing}"`
  return named.length > STATES.length ? 'api.states names a state twice' : undefined
}
