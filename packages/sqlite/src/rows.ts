import type {
  AttemptRecord,
  DeliveryState,
  DeliveryView,
  Endpoint,
  NewEndpoint,
  StoredMessage,
  StoredSecret,
} from '@hooks/core'
import type { SqliteValue } from './driver.ts'
import { dateOf, type Epoch, FOREVER } from './time.ts'

/**
 * Any text as a text that every driver keeps: libsql gives back no more than what stands before a NUL, and all of
 * them change a lone surrogate. A text without either, and without a backslash, is stored as it is.
 */
export function encodeText(text: string): string {
  return /[\\\0]|\p{Surrogate}/u.test(text) ? JSON.stringify(text).slice(1, -1) : text
}

/** What {@link encodeText} was given. */
export function decodeText(text: string): string {
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

const encodeOptional = (text: string | null | undefined): string | null => (text == null ? null : encodeText(text))
const decodeOptional = (text: string | null): string | null => (text === null ? null : decodeText(text))

/** A list or record as JSON; null where there is none. */
export const jsonOf = (value: unknown): string | null => (value == null ? null : JSON.stringify(value))
const parsed = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T))

/** A row of `message`, with its data unless that is gone. */
export interface MessageRow {
  readonly seq: number
  readonly id: string
  readonly tenant: string
  readonly type: string
  readonly occurred_at: Epoch
  readonly created_at: Epoch
  readonly idempotency_key: string | null
  readonly channels: string | null
  readonly endpoints: string | null
  readonly ordering_key: string | null
  readonly data: string | null
}

/** The message of a row. One whose payload is gone has empty data. */
export function messageOf(row: MessageRow): StoredMessage {
  return {
    id: row.id,
    type: row.type,
    tenant: row.tenant,
    occurredAt: dateOf(row.occurred_at),
    data: row.data ?? '',
    ...(row.idempotency_key !== null && { idempotencyKey: decodeText(row.idempotency_key) }),
    ...(row.channels !== null && { channels: JSON.parse(row.channels) as string[] }),
    ...(row.endpoints !== null && { endpoints: JSON.parse(row.endpoints) as string[] }),
    ...(row.ordering_key !== null && { orderingKey: decodeText(row.ordering_key) }),
    createdAt: dateOf(row.created_at),
  }
}

/** A row of `endpoint`. */
export interface EndpointRow {
  readonly id: string
  readonly tenant: string
  readonly url: string
  readonly filters: string | null
  readonly channels: string | null
  readonly state: NewEndpoint['state']
  readonly reason: string | null
  readonly name: string | null
  readonly metadata: string
  readonly secrets: string
  readonly settings: string
  readonly rev: number
  readonly created_at: Epoch
  readonly updated_at: Epoch
}

/** A secret as it stands in an endpoint's row. */
type StoredJson<T> = Omit<T, 'signsFrom' | 'signsUntil'> & {
  readonly signsFrom?: Epoch
  readonly signsUntil: Epoch | null
}

/** The endpoint of a row. */
export function endpointOf(row: EndpointRow): Endpoint {
  const secrets = JSON.parse(row.secrets) as StoredJson<StoredSecret>[]
  return {
    id: row.id,
    tenant: row.tenant,
    url: row.url,
    filters: parsed<string[]>(row.filters),
    channels: parsed<string[]>(row.channels),
    state: row.state,
    reason: decodeOptional(row.reason),
    name: decodeOptional(row.name),
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    secrets: secrets.map(({ signsFrom, signsUntil, ...secret }) => ({
      ...secret,
      ...(signsFrom !== undefined && { signsFrom: dateOf(signsFrom) }),
      signsUntil: signsUntil === null ? null : dateOf(signsUntil),
    })),
    settings: JSON.parse(row.settings) as Record<string, unknown>,
    rev: row.rev,
    createdAt: dateOf(row.created_at),
    updatedAt: dateOf(row.updated_at),
  }
}

/** What an endpoint's row holds and an update replaces, in the order of the columns. */
export function endpointValues(endpoint: NewEndpoint): SqliteValue[] {
  const secrets = endpoint.secrets.map(({ signsFrom, signsUntil, ...secret }) => ({
    ...secret,
    ...(signsFrom !== undefined && { signsFrom: signsFrom.getTime() }),
    signsUntil: signsUntil?.getTime() ?? null,
  }))
  return [
    endpoint.url,
    jsonOf(endpoint.filters),
    jsonOf(endpoint.channels),
    endpoint.state,
    encodeOptional(endpoint.reason),
    encodeOptional(endpoint.name),
    JSON.stringify(endpoint.metadata),
    JSON.stringify(secrets),
    JSON.stringify(endpoint.settings),
  ]
}

/** A row of `attempt`. */
export interface AttemptRow {
  readonly n: number
  readonly at: Epoch
  readonly ms: number
  readonly status: number | null
  readonly error: string | null
  readonly detail: string | null
  readonly response: string | null
  readonly response_headers: string | null
  readonly manual: number
}

/** The attempt of a row. */
export function attemptOf(row: AttemptRow): AttemptRecord {
  return {
    n: row.n,
    at: dateOf(row.at),
    ms: row.ms,
    ...(row.status !== null && { status: row.status }),
    ...(row.error !== null && { error: row.error }),
    ...(row.detail !== null && { detail: decodeText(row.detail) }),
    ...(row.response !== null && { response: decodeText(row.response) }),
    ...(row.response_headers !== null && {
      responseHeaders: JSON.parse(row.response_headers) as Record<string, string>,
    }),
    trigger: triggerOf(row.manual),
  }
}

/** What an attempt's row holds after the delivery's id, in the order of the columns. */
export function attemptValues(attempt: AttemptRecord): SqliteValue[] {
  return [
    attempt.n,
    attempt.at.getTime(),
    Math.round(attempt.ms),
    attempt.status ?? null,
    attempt.error ?? null,
    encodeOptional(attempt.detail),
    encodeOptional(attempt.response),
    jsonOf(attempt.responseHeaders),
    attempt.trigger === 'manual' ? 1 : 0,
  ]
}

/** Why an attempt is made. */
export const triggerOf = (manual: number) => (manual ? 'manual' : 'schedule')

/** A delivery as it is listed, with its message's name and its last attempt that ended. */
export interface DeliveryRow {
  readonly id: string
  readonly message_id: string
  readonly endpoint_id: string
  readonly tenant: string
  readonly type: string
  readonly current_state: DeliveryState
  readonly reason: string | null
  readonly attempts_made: number
  readonly variant: string | null
  readonly due_at: Epoch | null
  readonly created_at: Epoch
  readonly finished_at: Epoch | null
  readonly n: number | null
  readonly at: Epoch
  readonly ms: number
  readonly status: number | null
  readonly error: string | null
  readonly detail: string | null
  readonly response: string | null
  readonly response_headers: string | null
  readonly manual: number
}

/** The delivery of a row. */
export function deliveryOf(row: DeliveryRow): DeliveryView {
  const waits = row.current_state === 'pending' || row.current_state === 'retrying'
  return {
    id: row.id,
    messageId: row.message_id,
    endpointId: row.endpoint_id,
    tenant: row.tenant,
    type: row.type,
    state: row.current_state,
    reason: row.reason,
    attempts: row.attempts_made,
    variant: row.variant,
    last: row.n === null ? null : attemptOf({ ...row, n: row.n }),
    nextAttemptAt: waits && row.due_at !== null && row.due_at < FOREVER ? dateOf(row.due_at) : null,
    createdAt: dateOf(row.created_at),
    finishedAt: row.finished_at === null ? null : dateOf(row.finished_at),
  }
}
