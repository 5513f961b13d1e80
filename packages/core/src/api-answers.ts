import type { AttemptRecord } from './ports/storage/attempts.ts'
import type { DeliveryState } from './ports/storage/selector.ts'

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

/** An attempt as an API shows it. */
export interface ApiAttempt extends AttemptRecord {
  /** The response's body, parsed where it is JSON, else its text; null where there was none. */
  readonly answer: unknown
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
  /** The last attempt that ended. */
  readonly last: ApiAttempt | null
  readonly nextAttemptAt: Date | null
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

/** One delivery, with all that is known of it. */
export interface ApiDeliveryDetails extends ApiDelivery {
  readonly occurredAt: Date
  /** What was sent. */
  readonly data: unknown
  /** The request but for its signature. The body is null once it is no longer kept. */
  readonly request: {
    readonly url: string | null
    readonly headers: Readonly<Record<string, string>>
    readonly body: string | null
  }
  /** Its attempts, oldest first. */
  readonly log: readonly ApiAttempt[]
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

/** Something sent again, as an API shows it: what is to be sent, and how far it has got. */
export interface ApiJob {
  readonly id: string
  readonly endpointId: string
  /** `resend`: of one delivery, under an idempotency key. */
  readonly kind: 'recover' | 'replay_missing' | 'resend'
  readonly since: Date
  readonly until: Date
  readonly types: readonly string[] | null
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  /** Why it failed. */
  readonly reason: string | null
  /** What was counted when it was created: what matches, and what of it is no longer kept. */
  readonly total: { readonly matching: number; readonly expired: number }
  /** Sent so far; no longer kept; left alone, because in flight or sent meanwhile. */
  readonly sent: number
  readonly expired: number
  readonly left: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly finishedAt: Date | null
}

/** What is sent again to one of many endpoints, or would be. */
export interface ApiRecovered {
  readonly tenant: string
  readonly endpointId: string
  readonly matching: number
  readonly expired: number
  /** Null where it was only counted. */
  readonly jobId: string | null
}

/** A part of a list, and where it goes on. */
export interface ApiPage<T> {
  readonly data: readonly T[]
  /** Null on the last page. */
  readonly nextCursor: string | null
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

/** A value as it is after JSON: times are texts. */
export type AsJson<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly AsJson<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: AsJson<T[K]> }
      : T
