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
  } catch (cause) {
    throw new PayloadError('payload_invalid', 'the body is not UTF-8', { cause })
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
    return mayHoldProto(text) ? JSON.parse(text, dropProto) : JSON.parse(text)
  } catch (cause) {
    throw new PayloadError('payload_invalid', 'the body is not JSON', { cause: hideText(cause) })
  }
}

/** Any of its letters can be escaped: U+005F, 0070, 0072, 006F, 0074. */
function mayHoldProto(text: string): boolean {
  return text.includes('__proto__') || (text.includes('\\u00') && /\\u00[567]/.test(text))
}

function dropProto(this: unknown, key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value
}

/** V8's SyntaxError quotes the text it failed on, and that text is payload. */
function hideText(cause: unknown): string {
  return cause instanceof SyntaxError ? 'SyntaxError' : String(cause)
}
