import { PayloadError } from './errors.ts'
import type { Bytes } from './seams.ts'

const strictText = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes as text, refused where they are not UTF-8: a lenient decoder turns two different bodies into one text.
 * A byte order mark stays, because it was signed.
 *
 * @throws PayloadError `payload_invalid`
 */
export function decodeText(bytes: Bytes): string {
  try {
    return strictText.decode(bytes)
  } catch {
    throw new PayloadError('payload_invalid', 'the body is not UTF-8')
  }
}

/**
 * Bytes as a JSON value. `__proto__` keys are dropped, because a later `Object.assign` would act on them; the
 * reviver that drops them costs 3 to 6 times, so it runs only where the text can hold such a key.
 *
 * @throws PayloadError `payload_invalid`
 */
export function parseJson(bytes: Bytes): unknown {
  const text = decodeText(bytes)
  try {
    return JSON.parse(text, PROTO.test(text) || (text.includes('\\u00') && ESCAPED.test(text)) ? dropProto : undefined)
  } catch {
    // Without its cause: V8's SyntaxError quotes the text that it failed on, and that text is payload.
    throw new PayloadError('payload_invalid', 'the body is not JSON')
  }
}

/**
 * The key to the letter: a class of one letter makes the engine look for the pattern as a whole and skip what cannot be
 * it, where a plain text is looked for by its first letter.
 */
const PROTO = /"__pr[o]to__"/
/** Any of its letters can be escaped: U+005F, 0070, 0072, 006F, 0074. */
const ESCAPED = /\\u00[567]/

const dropProto = (key: string, value: unknown) => (key === '__proto__' ? undefined : value)
