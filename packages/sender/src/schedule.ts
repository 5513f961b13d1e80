import type { Ms, Random } from '@hooks/core'
import type { Policy } from './policy.ts'

/** The longest that a receiver's `Retry-After` is heeded. */
const LONGEST_HINT: Ms = 24 * 3_600_000

/**
 * How long to wait before the next attempt, counted from the end of this one; null where none is left. The jitter
 * only adds, so no attempt comes earlier than was promised, and the receiver's own wish can only make it later.
 *
 * @param step attempts that were finished under this schedule, the present one included
 */
export function nextDelay(policy: Policy, step: number, ageMs: Ms, hintMs: Ms | null, random: Random): Ms | null {
  const scheduled = policy.retryMs[step]
  if (scheduled === undefined) return null
  const delay = Math.round(scheduled * (1 + policy.jitter * random.float()))
  const wait = Math.max(delay, Math.min(hintMs ?? 0, LONGEST_HINT))
  return ageMs + wait > policy.maxAgeMs ? null : wait
}

const SECONDS = /^\d{1,9}$/
/** IMF-fixdate, the one form of HTTP dates that senders may write (RFC 9110 section 5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/**
 * A `Retry-After` as a wait, a day at most; null where it is absent, of no form that RFC 9110 section 10.2.3 has, or over. A
 * date counts from the `Date` of the same answer, where it has one: both are of one clock, and this machine's may be another.
 */
export function readRetryAfter(value: string | undefined, now: Date, date?: string): Ms | null {
  if (value === undefined) return null
  const from = date !== undefined && HTTP_DATE.test(date) ? Date.parse(date) : now.getTime()
  const ms = SECONDS.test(value) ? Number(value) * 1000 : HTTP_DATE.test(value) ? Date.parse(value) - from : Number.NaN
  return ms > 0 ? Math.min(ms, LONGEST_HINT) : null
}
