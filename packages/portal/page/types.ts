import type { ApiDelivery, ApiEndpoint, ApiEventType, DeliveryState } from '@hooks/core'

/** A value as it is after JSON: times are texts. */
type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: Json<T[K]> }
      : T

export type State = DeliveryState
/** Beside what every product shows of an endpoint, what our own API does. */
export type Endpoint = Json<ApiEndpoint> & {
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
export type Delivery = Json<Omit<ApiDelivery, 'last'>> & { readonly last: Attempt | null }

export interface Attempt {
  readonly n: number
  readonly at: string
  readonly ms: number
  readonly status?: number
  readonly error?: string
  readonly detail?: string
  readonly response?: string
  readonly responseHeaders?: Readonly<Record<string, string>>
  readonly trigger: string
}

/** One delivery, with all that is known of it. */
export interface DeliveryDetails extends Delivery {
  readonly occurredAt: string
  readonly log: readonly Attempt[]
  readonly request: {
    readonly url: string | null
    readonly headers: Readonly<Record<string, string>>
    /** Null once it is no longer kept. */
    readonly body: string | null
  }
}

export interface Page<T> {
  readonly data: readonly T[]
  readonly nextCursor: string | null
}

export interface Deliveries extends Page<Delivery> {
  readonly statistics: Counts
}

/** Deliveries of a stretch of time, and of each part of it. */
export type History = Counts & { readonly buckets: readonly (Counts & { readonly since: string })[] }

/** What was sent again to one of many webhooks, or would be. */
export interface Recovered {
  readonly tenant: string
  readonly endpointId: string
  readonly matching: number
}

/** Deliveries by state, and their total. */
export type Counts = Readonly<Partial<Record<State | 'total', number>>>

export interface Session {
  /** `all` for the people who run the sender. */
  readonly tenants: readonly string[] | 'all'
  readonly can: 'all' | readonly string[]
  readonly user: string | null
}

export interface Job {
  readonly id: string
  readonly endpointId: string
  readonly kind: string
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly reason: string | null
  readonly total: { readonly matching: number; readonly expired: number }
  readonly sent: number
  readonly expired: number
  readonly left: number
}

export interface Sample {
  readonly language: string
  readonly code: string
}
