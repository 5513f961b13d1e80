import type { InboxLease, Ms, StoredRequest } from '@hooks/core'
import type { SqliteValue } from './driver.ts'
import { decodeText, encodeText } from './rows.ts'
import { dateOf, type Epoch } from './time.ts'

/** A row of `inbox` that holds a request. */
export interface RequestRow {
  readonly seq: number
  readonly key: string
  readonly token: string | null
  readonly attempt: number
  readonly claims: number
  readonly reason: string | null
  readonly method: string
  readonly url: string
  readonly headers: string
  /** A `Buffer`, or what another driver makes of it. */
  readonly body: Uint8Array | ArrayBuffer
  readonly key_id: string
  readonly receiver: string
  readonly received_at: Epoch
}

/** The columns of a request, in their order. */
export function requestValues(request: StoredRequest): SqliteValue[] {
  const { method, url, headers, body, keyId, receiver, receivedAt } = request
  return [
    encodeText(method),
    encodeText(url),
    JSON.stringify(headers),
    Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    encodeText(keyId),
    encodeText(receiver),
    Math.floor(receivedAt.getTime()),
  ]
}

function requestOf(row: RequestRow): StoredRequest {
  return {
    method: decodeText(row.method),
    url: decodeText(row.url),
    headers: JSON.parse(row.headers) as StoredRequest['headers'],
    body: new Uint8Array(row.body),
    keyId: decodeText(row.key_id),
    receiver: decodeText(row.receiver),
    receivedAt: dateOf(row.received_at),
  }
}

/** A row as what a worker holds. */
export function inboxLeaseOf(row: RequestRow, leaseLeftMs: Ms): InboxLease {
  const { token, attempt, claims } = row
  return { key: decodeText(row.key), token: token ?? '', attempt, claims, leaseLeftMs, request: requestOf(row) }
}
