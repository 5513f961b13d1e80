import { ConfigurationError } from './errors.ts'
import type { Ms } from './seams.ts'

/** A span of time: milliseconds as a number, or a number with its unit, such as `'15s'`, `'5m'`, `'1.5h'`, `'7d'`. */
export type Duration = Ms | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNITS: Readonly<Record<string, Ms>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/**
 * A duration in milliseconds.
 *
 * @param name the option it came from, for the message
 * @throws ConfigurationError `option_invalid` where it is negative, not finite or not of the form
 */
export function toMs(duration: Duration, name: string): Ms {
  const [, count, unit = ''] = typeof duration === 'string' ? (DURATION.exec(duration) ?? []) : []
  const ms = typeof duration === 'number' ? duration : Number(count) * (UNITS[unit] as Ms)
  if (ms >= 0 && ms < Infinity) return ms
  throw new ConfigurationError('option_invalid', `${name} is not a duration`, {
    hint: 'such as 500, "15s", "5m", "7d"',
  })
}
