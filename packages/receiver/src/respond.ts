import type { Answers, HandledRequest, Reply } from '@hooks/core'

/** By outcome, its status. What is not here is a 500: any sender tries that again. */
const STATUS: Readonly<Record<string, number>> = {
  method_not_allowed: 405,
  body_too_large: 413,
  content_encoding: 415,
  store_unavailable: 503,
  accepted: 202,
}

/** What ends the sender's attempts. */
export const RECEIVED = [200, { received: true }] as const

/** The answer to an outcome: the user's own, else the provider's, else its status with a constant body. */
export function respond(
  outcome: string,
  answers: Answers,
  reply: Reply | undefined,
  headers: Readonly<Record<string, string>>,
): HandledRequest {
  const usual = /^(handled|duplicate|discarded|unknown_event)$/.test(outcome)
    ? 200
    : /^(missing|ambiguous|malformed)_|_incomplete$/.test(outcome)
      ? 400
      : /^(signature|timestamp)_/.test(outcome)
        ? 401
        : (STATUS[outcome] ?? 500)
  const own = answers[outcome]
  const [status, body = ''] =
    own ?? (reply ? [reply.status, reply.body] : [usual, usual < 300 ? RECEIVED[1] : { error: outcome }])
  const text = typeof body === 'string'
  return {
    status,
    headers: {
      'content-type': text ? 'text/plain; charset=utf-8' : 'application/json',
      ...(!own && reply?.headers),
      ...headers,
    },
    body: text ? body : JSON.stringify(body),
    outcome,
  }
}
