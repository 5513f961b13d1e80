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
export type Endpoint = Json<ApiEndpoint>
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

/** Deliveries by state, and their total. */
export type Counts = Readonly<Partial<Record<State | 'total', number>>>

export interface Session {
  readonly tenants: readonly string[]
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
