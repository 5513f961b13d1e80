import { language } from './options.ts'
import type { Attempt, Delivery } from './types.ts'
import type { Cause, Fault } from './words/words.ts'
import { t } from './words.ts'

/** What is the matter with a delivery, what to do about it, and whose turn it is. */
export interface Diagnosis {
  readonly what: string
  readonly todo: string
  readonly fault: Fault | undefined
}

const OURS = new Set(['request_invalid', 'transport_closed', 'sender_resources', 'lost', 'unknown_failure'])
const BETWEEN = new Set(['connect_timeout', 'connect_unreachable', 'connection_reset'])

/** Undefined for an attempt that succeeded. */
export function diagnose({ status, error, detail }: Attempt): Diagnosis | undefined {
  if (error !== undefined) {
    const [what, todo]: Cause = t.failures[error] ?? t.failures.unknown_failure ?? ['', '']
    const fault = OURS.has(error) ? 'sender' : BETWEEN.has(error) ? 'unknown' : 'endpoint'
    // The API's own sentence has dates and names in it, and is English.
    return detail !== undefined && language === 'en' ? { what: detail, todo: '', fault } : { what, todo, fault }
  }
  if (status === undefined || (status >= 200 && status < 300)) return undefined
  const [what, todo]: Cause = t.statuses[status] ?? t.statuses[String(status)[0] ?? ''] ?? t.statuses['4'] ?? ['', '']
  return { what, todo, fault: 'endpoint' }
}

/** What a delivery's state means, in a sentence; the cause beneath it is that of its last attempt. */
export function explain({ state, reason }: Delivery): Cause {
  if (state === 'delivered') return t.delivery.delivered
  if (state === 'failed' || state === 'skipped' || state === 'cancelled')
    return t.delivery.reasons[reason ?? state] ?? [t.delivery.noMore, '']
  return state === 'retrying' ? ['', ''] : t.delivery.waiting
}
