import type { InboxLease, Ms, StoredRequest } from '@hooks/core'
import { decodeText, encodeText } from './text.ts'

/** What drivers make of a number. */
export type Count = number | string | bigint

/** A row of `inbox` that holds a request. */
export interface RequestRow {
  readonly key: string
  readonly token: string | null
  readonly attempt: Count
  readonly claims: Count
  readonly reason: string | null
  readonly method: string
  readonly url: string
  readonly headers: string
  /** In base64. */
  readonly body: string
  readonly keyid: string
  readonly receiver: string
  readonly received: Count
}

/** The parameters of a request, in the order of its columns. */
export function requestValues(request: StoredRequest): string[] {
  const { method, url, headers, body, keyId, receiver, receivedAt } = request
  return [
    encodeText(method),
    encodeText(url),
    JSON.stringify(headers),
    Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64'),
    encodeText(keyId),
    encodeText(receiver),
    String(Math.floor(receivedAt.getTime())),
  ]
}

/** A row as what a worker holds. */
export function inboxLeaseOf(row: RequestRow, leaseLeftMs: Ms): InboxLease {
  return {
    key: decodeText(row.key),
    token: row.token ?? '',
    attempt: Number(row.attempt),
    claims: Number(row.claims),
    leaseLeftMs,
    request: {
      method: decodeText(row.method),
      url: decodeText(row.url),
      headers: JSON.parse(row.headers) as StoredRequest['headers'],
      body: new Uint8Array(Buffer.from(row.body, 'base64')),
      keyId: decodeText(row.keyid),
      receiver: decodeText(row.receiver),
      receivedAt: new Date(Number(row.received)),
    },
  }
}
