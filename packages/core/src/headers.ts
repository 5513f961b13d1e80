import { headerError } from './errors.ts'
import type { HeaderBag } from './format.ts'

/**
 * Headers in any of the forms that hosts have them in: a fetch `Headers`, a record (Node.js, Lambda), or, which alone
 * can show a header that came twice, pairs or the flat `rawHeaders` of Node.js: name, value, name, value.
 */
export type HeadersInput = { get(name: string): string | null } | readonly string[] | Pairs | Lists

type Pairs = Iterable<readonly [string, string]>
type Lists = Readonly<Record<string, string | readonly string[] | undefined>>

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
    const direct = (input as Lists)[name]
    return typeof direct === 'string' ? direct : search(input, name)
  }

  one(name: string): string {
    const value = this.find(name)
    if (value) return value
    throw headerError('missing_header', name)
  }
}

function search(input: HeadersInput, name: string): string | undefined {
  let found: string | undefined
  let times = 0
  const look = (key: string, values: string | readonly string[] = []) => {
    // Most names differ in length, and need no other look.
    if (key.length !== name.length || key.toLowerCase() !== name) return
    const all: readonly string[] = Array.isArray(values) ? values : [values]
    times += all.length
    found = all[0]
  }
  if (isFlat(input)) for (let i = 0; i < input.length; i += 2) look(input[i] as string, input[i + 1])
  else for (const [key, value] of Symbol.iterator in input ? (input as Pairs) : Object.entries(input)) look(key, value)
  if (times < 2) return found
  throw headerError('ambiguous_header', name)
}

/** Whether these are the `rawHeaders` of Node.js. */
export const isFlat = (input: HeadersInput): input is readonly string[] =>
  typeof (input as readonly unknown[])[0] === 'string'
