import type { AttemptRecord } from './ports/storage/attempts.ts'
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

/** An endpoint as an API shows it. */
export interface ApiEndpoint {
  readonly id: string
  readonly tenant: string
  readonly url: string
  /** Event types and patterns; null for all. */
  readonly events: readonly string[] | null
  readonly channels: readonly string[] | null
  readonly enabled: boolean
  /** Why it is disabled. */
  readonly reason: string | null
  readonly name: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Date
  readonly updatedAt: Date
  /** In the answer to a creation or a rotation, and in no other. */
  readonly secret?: string
}

/** A delivery as an API shows it. */
export interface ApiDelivery {
  readonly id: string
  readonly messageId: string
  readonly endpointId: string
  readonly type: string
  readonly state: DeliveryState
  /** The product's own word for the state. */
  readonly status: string
  readonly reason: string | null
  readonly attempts: number
  /** The last attempt that ended; `answer` is the response's body, parsed where it is JSON, else its text. */
  readonly last: (AttemptRecord & { readonly answer: unknown }) | null
  readonly nextAttemptAt: Date | null
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

/** Deliveries as an API lists them, newest first. */
export interface ApiDeliveries {
  readonly data: readonly ApiDelivery[]
  /** Where to go on; undefined on the last page, and where pages are numbered. */
  readonly next: string | undefined
  /** The endpoint's deliveries by the product's words, and `total`, whatever the list was filtered by. */
  readonly statistics: Readonly<Record<string, number>>
  /** From 1. */
  readonly page: number
  readonly pageSize: number
  /** How many the filter lets through. */
  readonly total: number
  readonly pageCount: number
}

/** An event type as an API shows it. */
export interface ApiEventType {
  readonly type: string
  readonly description: string | undefined
  readonly group: string | undefined
  readonly deprecated: string | undefined
  readonly example: unknown
  /** JSON Schema, where the schema offers it. */
  readonly schema: unknown
  /** Older versions that an endpoint may ask for. */
  readonly versions: readonly string[]
  /** Its data as a TypeScript type, where there is a schema. */
  readonly typescript: string | undefined
}

/** What an API says when it refuses. RFC 9457, with a stable `code`. */
export interface ApiProblem {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  /** Which field, where it is one. */
  readonly field?: string
}

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
