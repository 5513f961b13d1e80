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
  const find = (name: string): string | undefined => {
    if (typeof (input as Headers).get === 'function') return (input as Headers).get(name) ?? undefined
    // Node.js has the names in lower case; others may not, and may then have one name in two spellings.
    const direct = (input as Readonly<Record<string, unknown>>)[name]
    if (typeof direct === 'string') return direct
    const found: string[] = []
    for (const [key, value] of Symbol.iterator in input ? input : Object.entries(input)) {
      // Most names differ in length, and need no other look.
      if (key.length === name.length && key.toLowerCase() === name) found.push(...[value ?? []].flat())
    }
    if (found.length < 2) return found[0]
    throw new WebhookVerificationError('ambiguous_header', `ambiguous header: ${name}`)
  }
  return {
    find,
    one(name) {
      const value = find(name)
      if (value) return value
      throw new WebhookVerificationError('missing_header', `missing header: ${name}`)
    },
  }
}
