import { language } from './options.ts'

const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
const absolute = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'long' })
const numbers = new Intl.NumberFormat(language)
const shares = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 })

/** Less than this is the way of an answer, and the whole seconds of its `Date`. */
const CLOSE_MS = 30_000
let ahead = 0

/** Takes the time from the server's `Date`: a computer's clock may be hours wrong. RFC 9110, section 6.6.1. */
export function setClock(date: string | null): void {
  const difference = Date.parse(date ?? '') - Date.now()
  if (!Number.isNaN(difference)) ahead = Math.abs(difference) < CLOSE_MS ? 0 : difference
}

export const now = () => Date.now() + ahead

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/** Such as `5 minutes ago`, `in 2 hours`. */
export function ago(time: string, at = now()): string {
  const seconds = Math.round((Date.parse(time) - at) / 1000)
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
export const hoursAgo = (hours: number) => new Date(now() - hours * 3_600_000).toISOString()

/** A day that ends with the hour that is under way. */
export function lastDay(): { readonly since: string; readonly until: string } {
  const until = Math.ceil((now() + 1) / 3_600_000) * 3_600_000
  return { since: new Date(until - 86_400_000).toISOString(), until: new Date(until).toISOString() }
}
