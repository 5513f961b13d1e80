import { type ClassifiedAnswer, type Classifier, ConfigurationError, type Ms } from '@hooks/core'
import type { Policy } from './policy.ts'
import { readRetryAfter } from './schedule.ts'
import type { Answer } from './seams.ts'

/** What an answer means for its delivery and its endpoint. */
export type Verdict = (
  | { readonly result: 'delivered' }
  | {
      readonly result: 'retry'
      /** The receiver's own wish. */
      readonly hintMs: Ms | null
      /** The endpoint as a whole is to be left alone for this long. */
      readonly holdMs: Ms | null
    }
  | { readonly result: 'failed'; readonly reason: 'gone' | 'rejected' | 'aborted_by_receiver' }
) & {
  /** Why the endpoint is to be disabled, where it is. */
  readonly disable?: 'gone' | 'rejected' | 'disabled_by_receiver'
}

/** Overloaded or starting: the endpoint is paced as a whole (Standard Webhooks, "Response codes", and 503). */
const PACED = new Set([429, 502, 503, 504])
/** The 4xx that a later try can heal. */
const PASSING_4XX = new Set([408, 409, 425, 429])

/** What a function may decide. */
const VERDICTS: ReadonlySet<unknown> = new Set(['delivered', 'retry', 'failed', 'disable'])

const FIRST_HOLD: Ms = 5_000
const LONGEST_HOLD: Ms = 300_000

/**
 * What to make of an answer. 2xx is success, whatever its body does; a redirect is none, because it is not followed. The
 * header `webhook-delivery` lets a receiver end the delivery (`abort-message`) or itself (`disable`), as with Svix.
 *
 * @throws ConfigurationError `option_invalid`: `policy.classify` gave what is no verdict; or what that throws
 * @param step attempts finished before this one under the present schedule: each doubles the hold
 */
export function classify(answer: Answer, policy: Policy, step: number, now: Date, type = ''): Verdict {
  const decided = typeof policy.classify === 'function' ? verdictOf(policy.classify(shown(answer, type))) : undefined
  if (decided === 'delivered') return { result: 'delivered' }
  if (decided === 'failed') return { result: 'failed', reason: 'rejected' }
  if (decided === 'disable') return { result: 'failed', reason: 'rejected', disable: 'rejected' }
  if (!('status' in answer)) return { result: 'retry', hintMs: null, holdMs: null }
  const { status, headers } = answer
  const succeeded = status >= 200 && status < 300
  if (policy.classify !== 'non2xx-retries' && decided === undefined) {
    const control = headers['webhook-delivery']?.trim().toLowerCase()
    const disable = control === 'disable' ? ({ disable: 'disabled_by_receiver' } as const) : {}
    if (succeeded) return { result: 'delivered', ...disable }
    if (control === 'disable' || control === 'abort-message')
      return { result: 'failed', reason: 'aborted_by_receiver', ...disable }
    if (status === 410) return { result: 'failed', reason: 'gone', disable: 'gone' }
    const final = policy.classify === 'strict4xx' && status >= 400 && status < 500 && !PASSING_4XX.has(status)
    if (final) return { result: 'failed', reason: 'rejected' }
  } else if (succeeded && decided === undefined) return { result: 'delivered' }
  if (!policy.pace) return { result: 'retry', hintMs: null, holdMs: null }
  const hintMs = readRetryAfter(headers['retry-after'], now, headers.date)
  const holdMs = PACED.has(status) ? Math.max(hintMs ?? 0, Math.min(LONGEST_HOLD, FIRST_HOLD * 2 ** step)) : null
  return { result: 'retry', hintMs, holdMs }
}

/**
 * What `policy.classify` gave, if that is a verdict. The promise of an asynchronous function is none: it would count as a
 * failure, and what was received would be sent again.
 */
function verdictOf(given: unknown): ReturnType<Classifier> {
  if (given === undefined || VERDICTS.has(given)) return given as ReturnType<Classifier>
  if (given instanceof Promise) given.catch(() => {})
  throw new ConfigurationError('option_invalid', '`policy.classify` gave what is no verdict', {
    hint: `it gives, at once, ${[...VERDICTS].join(', ')}, or undefined for what counts by default`,
  })
}

function shown(answer: Answer, type: string): ClassifiedAnswer {
  if (!('status' in answer)) return { headers: {}, error: answer.error, type }
  return { status: answer.status, headers: answer.headers, type }
}
