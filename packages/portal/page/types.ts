import type {
  ApiAttempt,
  ApiDelivery,
  ApiDeliveryDetails,
  ApiEndpoint,
  ApiEventType,
  ApiJob,
  ApiPage,
  ApiRecovered,
  AsJson,
  DeliveryState,
} from '@hooks/core'

export type State = DeliveryState
/** Beside what every product shows of an endpoint, what our own API does. */
export type Endpoint = AsJson<ApiEndpoint> & {
  readonly rateLimit: number | null
  readonly headers: readonly string[]
  readonly filter: object | null
  readonly payload: 'full' | 'thin'
  readonly version: string | null
}

/** How an endpoint is doing. */
export interface EndpointHealth {
  readonly paused: boolean
  readonly heldForMs: number | null
  readonly failing: boolean
  readonly failures: number
  readonly exhausted: number
  readonly lastFailureAt: string | null
}

/** How the sender is doing. */
export interface Overview {
  readonly running: boolean
  readonly inFlight: number
  readonly unexpanded: number
  readonly due: number
  readonly open: number
  readonly oldestDueMs: number | null
  readonly heldEndpoints: number
}

export interface Secret {
  readonly secret: string
  readonly signsFrom: string | null
  readonly signsUntil: string | null
}

export type EventType = ApiEventType
export type Attempt = AsJson<ApiAttempt>
export type Delivery = AsJson<ApiDelivery>
export type DeliveryDetails = AsJson<ApiDeliveryDetails>
export type Job = AsJson<ApiJob>
export type Recovered = AsJson<ApiRecovered>
export type Page<T> = ApiPage<T>

export interface Deliveries extends Page<Delivery> {
  readonly statistics: Counts
}

/** Deliveries of a stretch of time, and of each part of it. */
export type History = Counts & { readonly buckets: readonly (Counts & { readonly since: string })[] }

/** Deliveries by state, and their total. */
export type Counts = Readonly<Partial<Record<State | 'total', number>>>

export interface Session {
  /** `all` for the people who run the sender. */
  readonly tenants: readonly string[] | 'all'
  readonly can: 'all' | readonly string[]
  readonly user: string | null
}

export interface Sample {
  readonly language: string
  readonly code: string
}
