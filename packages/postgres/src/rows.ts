import type {
  AttemptRecord,
  DeliveryState,
  DeliveryView,
  Endpoint,
  NewEndpoint,
  StoredMessage,
  StoredSecret,
  Trigger,
} from '@hooks/core'
import { decodeOptional, decodeText, encodeOptional, jsonOf, plainText } from './text.ts'

/** A number as a driver gives it: a number, a text, or a BigInt. */
export type Numeric = number | string | bigint

/** A time of the database. */
export const dateOf = (ms: Numeric): Date => new Date(Number(ms))

const parsed = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T))

/** Why an attempt is made. */
export const triggerOf = (manual: Numeric): Trigger => (Number(manual) === 1 ? 'manual' : 'schedule')

/** A message, with its data unless that is gone. */
export interface MessageRow {
  readonly id: string
  readonly tenant: string
  readonly type: string
  readonly occurred: Numeric
  readonly created: Numeric
  readonly key: string | null
  readonly channels: string | null
  readonly endpoints: string | null
  readonly ordering: string | null
  readonly data: string | null
  readonly marked: Numeric
}

/** The message of a row. One whose payload is gone has empty data. */
export function messageOf(row: MessageRow): StoredMessage {
  return {
    id: row.id,
    type: row.type,
    tenant: row.tenant,
    occurredAt: dateOf(row.occurred),
    data: row.data ?? '',
    ...(row.key !== null && { idempotencyKey: decodeText(row.key) }),
    ...(row.channels !== null && { channels: JSON.parse(row.channels) as string[] }),
    ...(row.endpoints !== null && { endpoints: JSON.parse(row.endpoints) as string[] }),
    ...(row.ordering !== null && { orderingKey: decodeText(row.ordering) }),
    createdAt: dateOf(row.created),
  }
}

/** An endpoint. */
export interface EndpointRow {
  readonly id: string
  readonly owner: string
  readonly url: string
  readonly filters: string | null
  readonly channels: string | null
  readonly state: NewEndpoint['state']
  readonly reason: string | null
  readonly name: string | null
  readonly metadata: string
  readonly secrets: string
  readonly settings: string
  readonly rev: Numeric
  readonly created: Numeric
  readonly updated: Numeric
}

/** The endpoint of a row. */
export function endpointOf(row: EndpointRow): Endpoint {
  const secrets = JSON.parse(row.secrets) as (Omit<StoredSecret, 'signsUntil' | 'signsFrom'> & {
    signsUntil: number | null
    signsFrom?: number
  })[]
  return {
    id: row.id,
    tenant: row.owner,
    url: row.url,
    filters: parsed<string[]>(row.filters),
    channels: parsed<string[]>(row.channels),
    state: row.state,
    reason: decodeOptional(row.reason),
    name: decodeOptional(row.name),
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    secrets: secrets.map(({ keyId, sealed, signsFrom, signsUntil }) => ({
      keyId,
      sealed,
      ...(signsFrom !== undefined && { signsFrom: new Date(signsFrom) }),
      signsUntil: signsUntil === null ? null : new Date(signsUntil),
    })),
    settings: JSON.parse(row.settings) as Record<string, unknown>,
    rev: Number(row.rev),
    createdAt: dateOf(row.created),
    updatedAt: dateOf(row.updated),
  }
}

/** What an endpoint's row holds and an update replaces, in the order of the columns. */
export function endpointValues(endpoint: NewEndpoint): (string | null)[] {
  const secrets = endpoint.secrets.map(({ keyId, sealed, signsFrom, signsUntil }) => ({
    keyId,
    sealed,
    ...(signsFrom && { signsFrom: signsFrom.getTime() }),
    signsUntil: signsUntil?.getTime() ?? null,
  }))
  return [
    plainText(endpoint.url, 'the URL'),
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

/** An attempt. */
export interface AttemptRow {
  readonly n: Numeric
  readonly at: Numeric
  readonly ms: Numeric
  readonly status: Numeric | null
  readonly error: string | null
  readonly detail: string | null
  readonly response: string | null
  readonly headers: string | null
  readonly manual: Numeric
}

/** The attempt of a row. */
export function attemptOf(row: AttemptRow): AttemptRecord {
  return {
    n: Number(row.n),
    at: dateOf(row.at),
    ms: Number(row.ms),
    ...(row.status !== null && { status: Number(row.status) }),
    ...(row.error !== null && { error: row.error }),
    ...(row.detail !== null && { detail: decodeText(row.detail) }),
    ...(row.response !== null && { response: decodeText(row.response) }),
    ...(row.headers !== null && {
      responseHeaders: JSON.parse(row.headers) as Record<string, string>,
    }),
    trigger: triggerOf(row.manual),
  }
}

/** A delivery as it is listed, without its last attempt. */
export interface DeliveryRow {
  readonly id: string
  readonly message: string
  readonly endpoint: string
  readonly tenant: string
  readonly type: string
  readonly state: DeliveryState
  readonly reason: string | null
  readonly attempts: Numeric
  readonly variant: string | null
  readonly due: Numeric | null
  readonly created: Numeric
  readonly finished: Numeric | null
}

/** The delivery of a row, and of its last attempt that ended. */
export function deliveryOf(row: DeliveryRow, last: AttemptRow | undefined): DeliveryView {
  const waits = row.state === 'pending' || row.state === 'retrying'
  return {
    id: row.id,
    messageId: row.message,
    endpointId: row.endpoint,
    tenant: row.tenant,
    type: row.type,
    state: row.state,
    reason: decodeOptional(row.reason),
    attempts: Number(row.attempts),
    variant: row.variant,
    last: last ? attemptOf(last) : null,
    nextAttemptAt: waits && row.due !== null ? dateOf(row.due) : null,
    createdAt: dateOf(row.created),
    finishedAt: row.finished === null ? null : dateOf(row.finished),
  }
}
