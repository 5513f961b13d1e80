import type { HandledRequest, Ms, Reply } from '@hooks/core'
import type { Kernel } from './kernel.ts'
import { report } from './report.ts'
import type { Seen } from './request.ts'
import type { Run } from './run.ts'

/** By outcome, its status. What is not here is a 500: any sender tries that again. */
const STATUS: Readonly<Record<string, number>> = {
  method_not_allowed: 405,
  body_too_large: 413,
  content_encoding: 415,
  store_unavailable: 503,
  accepted: 202,
}

/** Answers, and reports, what came of a request: with the user's own answer, else the provider's, else its status and a constant body. */
export function respond(kernel: Kernel, ran: Run, reply: Reply | undefined, seen: Seen, from: Ms): HandledRequest {
  const { outcome, retryInMs = kernel.leaseMs } = ran
  const usual = /^(handled|duplicate|discarded|unknown_event)$/.test(outcome)
    ? 200
    : /^(missing|ambiguous|malformed)_|_incomplete$/.test(outcome)
      ? 400
      : /^(signature|timestamp)_/.test(outcome)
        ? 401
        : (STATUS[outcome] ?? 500)
  const own = kernel.answers[outcome]
  const [status, body = ''] =
    own ?? (reply ? [reply.status, reply.body] : [usual, usual < 300 ? { received: true } : { error: outcome }])
  const text = typeof body === 'string'
  report(kernel, ran, seen, status, from)
  return {
    status,
    headers: {
      'content-type': text ? 'text/plain; charset=utf-8' : 'application/json',
      ...(!own && reply?.headers),
      ...(outcome === 'method_not_allowed' && { allow: kernel.format.methods.join(', ') }),
      ...(/^(in_progress|retry_later)$/.test(outcome) && { 'retry-after': `${Math.ceil(retryInMs / 1000) || 1}` }),
    },
    body: text ? body : JSON.stringify(body),
    outcome,
  }
}
