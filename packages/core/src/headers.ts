import { WebhookVerificationError } from './errors.ts'
import type { HeaderBag } from './format.ts'

/**
 * Headers in any of the forms that hosts have them in: a fetch `Headers`, a record (Node.js, Lambda), or pairs
 * (which alone can show a header that came twice).
 */
export type HeadersInput =
  | { get(name: string): string | null }
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** The bag of {@link HeadersInput}. */
export function headerBag(input: HeadersInput): HeaderBag {
  const find = finder(input)
  return {
    find,
    one(name) {
      const value = find(name)
      if (value !== undefined && value !== '') return value
      throw new WebhookVerificationError('missing_header', `the header ${name} is missing`)
    },
  }
}

function finder(input: HeadersInput): (name: string) => string | undefined {
  if (typeof (input as Headers).get === 'function') return (name) => (input as Headers).get(name) ?? undefined
  if (Symbol.iterator in input) {
    const pairs = [...(input as Iterable<readonly [string, string]>)]
    return (name) =>
      single(
        name,
        pairs.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value),
      )
  }
  const record = input as Readonly<Record<string, string | readonly string[] | undefined>>
  return (name) => {
    const value = record[name]
    // Node.js has the names in lower case; others may not, and may then have one name in two spellings.
    if (typeof value === 'string') return value
    const all = value ?? Object.keys(record).flatMap((key) => (key.toLowerCase() === name ? (record[key] ?? []) : []))
    return single(name, all)
  }
}

function single(name: string, values: readonly string[]): string | undefined {
  if (values.length < 2) return values[0]
  throw new WebhookVerificationError('ambiguous_header', `the header ${name} is there more than once`)
}
