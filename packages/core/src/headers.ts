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
  return new Bag(input)
}

class Bag implements HeaderBag {
  readonly #input: HeadersInput

  constructor(input: HeadersInput) {
    this.#input = input
  }

  find(name: string): string | undefined {
    const input = this.#input
    if (typeof (input as Headers).get === 'function') return (input as Headers).get(name) ?? undefined
    // Node.js has the names in lower case; others may not, and may then have one name in two spellings.
    const record = input as Readonly<Record<string, string | readonly string[] | undefined>>
    const direct = record[name]
    if (typeof direct === 'string') return direct
    // Most names differ in length, and need no other look.
    const isIt = (key: string) => key.length === name.length && key.toLowerCase() === name
    const found: string[] = []
    if (Symbol.iterator in input) {
      for (const [key, value] of input) if (isIt(key)) found.push(value)
    } else {
      for (const key of Object.keys(record)) if (isIt(key)) found.push(...[record[key] ?? []].flat())
    }
    if (found.length < 2) return found[0]
    throw new WebhookVerificationError('ambiguous_header', `ambiguous header: ${name}`)
  }

  one(name: string): string {
    const value = this.find(name)
    if (value) return value
    throw new WebhookVerificationError('missing_header', `missing header: ${name}`)
  }
}
