import type { Answers, HandledRequest } from '@hooks/core'

/** By status, the outcomes. What is not here is a 500: any sender tries that again. */
const STATUS: Readonly<Record<string, string>> = {
  200: 'handled duplicate unknown_event',
  202: 'accepted',
  400: 'missing_header ambiguous_header malformed_header malformed_timestamp body_incomplete',
  401: 'signature_mismatch timestamp_too_old timestamp_too_new',
  405: 'method_not_allowed',
  413: 'body_too_large',
  415: 'content_encoding',
  503: 'store_unavailable',
}

/** What ends the sender's attempts. */
export const RECEIVED = [200, { received: true }] as const

/** The answer to an outcome: the user's own, else its status with a constant body. */
export function respond(outcome: string, answers: Answers, headers: Readonly<Record<string, string>>): HandledRequest {
  const usual = Number(Object.keys(STATUS).find((one) => STATUS[one]?.split(' ').includes(outcome)) ?? 500)
  const [status, body = ''] = answers[outcome] ?? [usual, usual < 300 ? RECEIVED[1] : { error: outcome }]
  const text = typeof body === 'string'
  return {
    status,
    headers: { 'content-type': text ? 'text/plain; charset=utf-8' : 'application/json', ...headers },
    body: text ? body : JSON.stringify(body),
    outcome,
  }
}
