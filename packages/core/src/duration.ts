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
  const match = typeof duration === 'string' ? DURATION.exec(duration) : null
  const ms = match ? Number(match[1]) * (UNITS[match[2] as string] as Ms) : duration
  if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return ms
  throw new ConfigurationError('option_invalid', `${name} is not a duration`, {
    hint: 'use milliseconds, or a number and its unit: "500ms", "15s", "5m", "2h", "7d"',
  })
}
