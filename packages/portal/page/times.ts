import { language } from './options.ts'

const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
const absolute = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
const numbers = new Intl.NumberFormat(language)
const shares = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 })

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/** Such as `5 minutes ago`, `in 2 hours`. */
export function ago(time: string, now = Date.now()): string {
  const seconds = Math.round((Date.parse(time) - now) / 1000)
  const [unit, size] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? ['second', 1]
  return relative.format(Math.trunc(seconds / size), unit)
}

const clock = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' })

export const hour = (time: string) => (time === '' ? '' : clock.format(new Date(time)))
export const exact = (time: string) => absolute.format(new Date(time))
export const number = (count: number) => numbers.format(count)
export const share = (part: number, whole: number) => shares.format(whole === 0 ? 0 : part / whole)
export const duration = (ms: number) =>
  ms < 1000 ? `${numbers.format(ms)}\u00a0ms` : `${numbers.format(Math.round(ms / 100) / 10)}\u00a0s`
export const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

/** A day that ends with the hour that is under way. */
export function lastDay(): { readonly since: string; readonly until: string } {
  const until = Math.ceil((Date.now() + 1) / 3_600_000) * 3_600_000
  return { since: new Date(until - 86_400_000).toISOString(), until: new Date(until).toISOString() }
}
