import { ConfigurationError, type DeliveryPolicy, type Ms, toMs } from '@hooks/core'

/** A {@link DeliveryPolicy} with its defaults filled in, in milliseconds. */
export interface Policy {
  readonly retryMs: readonly Ms[]
  readonly jitter: number
  readonly deadlineMs: Ms
  readonly maxAgeMs: Ms
  readonly classify: 'default' | 'non2xx-retries' | 'strict4xx'
  readonly pace: boolean
}

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
  if (!(jitter >= 0 && jitter <= 1)) {
    throw new ConfigurationError('option_invalid', 'policy.jitter is not between 0 and 1')
  }
  const deadlineMs = toMs(policy.deadline ?? '15s', 'policy.deadline')
  if (deadlineMs < 100 || deadlineMs > 60_000) {
    throw new ConfigurationError('option_invalid', 'policy.deadline is not between 100 ms and 60 s')
  }
  return {
    retryMs: retry.map((delay, i) => toMs(delay, `policy.retry[${i}]`)),
    jitter,
    deadlineMs,
    maxAgeMs: toMs(policy.maxAge ?? '5d', 'policy.maxAge'),
    classify,
    pace,
  }
}
