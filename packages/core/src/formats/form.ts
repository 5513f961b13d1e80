import { PayloadError } from '../errors.ts'
import { decodeText } from '../json.ts'
import type { Bytes } from '../seams.ts'

const BRACE = 0x7b
const BRACKET = 0x5b
/** Some formats read a form before anything is proved, and sort it: what form parsers allow, and far more than any form has. */
const MOST_FIELDS = 1_000

/**
 * Whether a body is a form and not JSON. Its first byte says so, which is signed: the content type is not, and would let whoever
 * replays a request have its body read as something else.
 */
export function isForm(body: Bytes): boolean {
  return body[0] !== BRACE && body[0] !== BRACKET
}

/**
 * The fields of a form, or of a query, decoded (WHATWG URL, "application/x-www-form-urlencoded"), and refused where they are not
 * UTF-8, or more than 1,000.
 *
 * @throws PayloadError `payload_invalid`
 */
export function readForm(form: Bytes | string): [name: string, value: string][] {
  const text = typeof form === 'string' ? form : decodeText(form)
  const pairs = text.split('&', MOST_FIELDS + 1)
  if (pairs.length > MOST_FIELDS)
    throw new PayloadError('payload_invalid', `the form has more than ${MOST_FIELDS} fields`)
  const decoded = (piece: string) => decodeURIComponent(piece.replaceAll('+', ' '))
  try {
    return pairs.flatMap((pair): [string, string][] => {
      const at = pair.indexOf('=')
      if (at < 0) return pair === '' ? [] : [[decoded(pair), '']]
      return [[decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))]]
    })
  } catch {
    throw new PayloadError('payload_invalid', 'the form is not percent-encoded UTF-8')
  }
}

/** The first value of a field. */
export function fieldOf(form: readonly (readonly [string, string])[], name: string): string | undefined {
  return form.find(([field]) => field === name)?.[1]
}

/** The fields by name: of one that comes several times the last. No `__proto__`, because a later `Object.assign` would act on it. */
export function formFields<T>(form: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(form.filter(([name]) => name !== '__proto__'))
}
