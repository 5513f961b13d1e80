import type { Answers, HandledRequest } from '@hooks/core'

/** What is neither in this table nor a fault of the request is a 500: any sender tries those again. */
const STATUS: Readonly<Record<string, number>> = {
  handled: 200,
  duplicate: 200,
  unknown_event: 200,
  accepted: 202,
  missing_header: 400,
  ambiguous_header: 400,
  malformed_header: 400,
  malformed_timestamp: 400,
  body_incomplete: 400,
  signature_mismatch: 401,
  timestamp_too_old: 401,
  timestamp_too_new: 401,
  method_not_allowed: 405,
  body_too_large: 413,
  content_encoding: 415,
  store_unavailable: 503,
}

/**
 * The answer to an outcome: the user's own, or a status of the table with a constant body. `acknowledged` turns a
 * failure into a 200 that no sender tries again.
 */
export function respond(
  outcome: string,
  answers: Answers | undefined,
  headers?: Readonly<Record<string, string>>,
  acknowledged?: boolean,
): HandledRequest {
  const usual = acknowledged ? 200 : (STATUS[outcome] ?? 500)
  const [status, body = ''] = answers?.[outcome] ?? [usual, usual < 300 ? { received: true } : { error: outcome }]
  const text = typeof body === 'string'
  return {
    status,
    headers: { 'content-type': text ? 'text/plain; charset=utf-8' : 'application/json', ...headers },
    body: text ? body : JSON.stringify(body),
    outcome,
  }
}
