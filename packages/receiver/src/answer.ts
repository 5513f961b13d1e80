import type { HandledRequest, HooksError, Ms, Reply } from '@hooks/core'
import type { Kernel } from './kernel.ts'
import { report } from './report.ts'
import type { Seen } from './request.ts'
import { failed, type Run } from './run.ts'

/** By outcome, its status. What is not here is a 500: any sender tries that again. */
const STATUS: Readonly<Record<string, number>> = {
  method_not_allowed: 405,
  body_too_large: 413,
  content_encoding: 415,
  store_unavailable: 503,
  accepted: 202,
}

/** Answers, and reports, what came of a request: with the user's own answer, else the provider's, else its status and a constant body. */
export async function answer(kernel: Kernel, came: Run, seen: Seen, from: Ms): Promise<HandledRequest> {
  let ran = came
  let { reply } = came
  const refused = !seen.keyId
  if (refused) await explain(kernel, ran.error, seen)
  try {
    if (kernel.format.reply && (refused || reply !== null)) reply ??= await dictated(kernel, seen, ran.outcome)
  } catch (error) {
    // What was refused stays refused.
    if (!refused) ran = failed(error)
  }
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
  report(kernel, ran, seen, status, from)
  return {
    status,
    headers: {
      'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
      ...(!own && reply?.headers),
      ...(outcome === 'method_not_allowed' && { allow: kernel.format.methods.join(', ') }),
      ...(/^(in_progress|retry_later)$/.test(outcome) && { 'retry-after': `${Math.ceil(retryInMs / 1000) || 1}` }),
    },
    // A fetch Response refuses such a body, and Node.js drops it.
    body: status === 204 ? '' : typeof body === 'string' ? body : JSON.stringify(body),
    outcome,
  }
}

/** What the provider dictates: to a challenge while there is no outcome, else to the outcome. */
export async function dictated(kernel: Kernel, seen: Seen, outcome?: string): Promise<Reply | undefined> {
  const { format, crypto } = kernel
  const { raw, keys: sets, keyId, content } = seen
  if (!format.reply || !raw) return undefined
  const { keys = [] } = sets?.find((set) => set.keyId === keyId) ?? {}
  return format.reply({ request: raw, content: content ?? null, outcome, keys }, crypto)
}

/** Explains a mismatch, by the user's own way or, where the process runs in development, by ours. It never rejects. */
export async function explain(kernel: Kernel, error: unknown, { raw }: Seen): Promise<void> {
  const { format, crypto, logger, secret } = kernel
  try {
    if (!raw || (error as HooksError).code !== 'signature_mismatch') return
    let own = kernel.explain
    if (own === undefined && typeof process === 'object' && process.env?.NODE_ENV !== 'production') {
      own = (await import('./explain.ts')).explainMismatch
    }
    if (!own) return
    const secrets = typeof secret === 'function' ? await secret(raw) : secret
    await own({ format, raw, secrets, crypto, logger })
  } catch {
    // An explanation that fails explains nothing.
  }
}
