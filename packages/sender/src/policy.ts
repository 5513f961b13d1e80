import { ConfigurationError, type DeliveryPolicy, type DisablePolicy, type Ms, toMs } from '@hooks/core'

/** A {@link DeliveryPolicy} with its defaults filled in, in milliseconds. */
export interface Policy {
  readonly retryMs: readonly Ms[]
  readonly jitter: number
  readonly deadlineMs: Ms
  readonly maxAgeMs: Ms
  readonly classify: NonNullable<DeliveryPolicy['classify']>
  readonly pace: boolean
  /** Null for none. */
  readonly breaker: { readonly after: number; readonly holdMs: Ms; readonly longestHoldMs: Ms } | null
  readonly disable: DisableRule
  /** Null for never. */
  readonly probeAfterMs: Ms | null
}

/** When an endpoint is disabled. */
export type DisableRule =
  | { readonly by: 'never' }
  | { readonly by: 'time'; readonly afterMs: Ms; readonly leastFailures: number; readonly leastSpanMs: Ms }
  | { readonly by: 'exhausted' | 'failures'; readonly after: number }

/** Standard Webhooks, "Reliability": immediately, then over three days. */
const RETRY = ['0s', '5s', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h'] as const

/**
 * A policy with its defaults.
 *
 * @throws ConfigurationError `option_invalid`
 */
export function resolvePolicy(policy: DeliveryPolicy): Policy {
  const { retry = RETRY, jitter = 0.2, classify = 'default', pace = true } = policy
  if (retry.length === 0) {
    throw new ConfigurationError('option_invalid', 'policy.retry is empty', {
      hint: 'the first entry is the first attempt: ["0s"] tries once',
    })
  }
  const retryMs = retry.map((delay, i) => toMs(delay, `policy.retry[${i}]`))
  if (retryMs[0] !== 0) {
    throw new ConfigurationError(
      'option_invalid',
      'policy.retry does not begin with 0: the first attempt is made at once',
      {
        hint: 'put "0s" in front; what is sent later has `deliverAt`',
      },
    )
  }
  if (!(jitter >= 0 && jitter <= 1)) {
    throw new ConfigurationError('option_invalid', 'policy.jitter is not between 0 and 1')
  }
  const deadlineMs = toMs(policy.deadline ?? '15s', 'policy.deadline')
  if (deadlineMs < 100 || deadlineMs > 60_000) {
    throw new ConfigurationError('option_invalid', 'policy.deadline is not between 100 ms and 60 s')
  }
  return {
    retryMs,
    jitter,
    deadlineMs,
    maxAgeMs: toMs(policy.maxAge ?? '5d', 'policy.maxAge'),
    classify,
    pace,
    breaker: pace ? resolveBreaker(policy.breaker ?? {}) : null,
    disable: resolveDisable(policy.disable ?? { noSuccessFor: '5d' }),
    probeAfterMs: policy.probeAfter === undefined ? null : toMs(policy.probeAfter, 'policy.probeAfter'),
  }
}

function resolveBreaker(breaker: NonNullable<DeliveryPolicy['breaker']>): Policy['breaker'] {
  if (breaker === false) return null
  return {
    after: checkCount(breaker.after ?? 10, 'policy.breaker.after'),
    holdMs: toMs(breaker.hold ?? '30s', 'policy.breaker.hold'),
    longestHoldMs: toMs(breaker.longestHold ?? '5m', 'policy.breaker.longestHold'),
  }
}

function resolveDisable(disable: DisablePolicy): DisableRule {
  if (disable === 'never') return { by: 'never' }
  if ('afterExhausted' in disable)
    return { by: 'exhausted', after: checkCount(disable.afterExhausted, 'policy.disable.afterExhausted') }
  if ('afterFailures' in disable)
    return { by: 'failures', after: checkCount(disable.afterFailures, 'policy.disable.afterFailures') }
  return {
    by: 'time',
    afterMs: toMs(disable.noSuccessFor, 'policy.disable.noSuccessFor'),
    leastFailures: checkCount(disable.leastFailures ?? 10, 'policy.disable.leastFailures'),
    leastSpanMs: toMs(disable.leastSpan ?? '12h', 'policy.disable.leastSpan'),
  }
}

function checkCount(count: number, name: string): number {
  if (Number.isInteger(count) && count >= 1) return count
  throw new ConfigurationError('option_invalid', `${name} is not a whole number from 1`)
}
