import { ConfigurationError } from '@hooks/core'

/** Whether a text holds neither a NUL nor half a character. Most hold nothing that could be one, which is told faster. */
const isPlain = (text: string): boolean => !/[\0\ud800-\udfff]/.test(text) || !/\0|\p{Surrogate}/u.test(text)

/**
 * Any text as a text that PostgreSQL keeps: it stores no NUL, and drivers change a lone surrogate. A text without
 * either, and without a backslash, is stored as it is.
 */
export function encodeText(text: string): string {
  return isPlain(text) && !text.includes('\\') ? text : JSON.stringify(text).slice(1, -1)
}

/** What {@link encodeText} was given. */
export function decodeText(text: string): string {
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

/** {@link encodeText} of a text that may be missing. */
export const encodeOptional = (text: string | null | undefined): string | null =>
  text == null ? null : encodeText(text)

/** What {@link encodeOptional} was given; null for what was missing. */
export const decodeOptional = (text: string | null): string | null => (text === null ? null : decodeText(text))

/** A list or record as JSON; null where there is none. */
export const jsonOf = (value: unknown): string | null => (value == null ? null : JSON.stringify(value))

/** An item of an array's literal. */
function quoted(text: string): string {
  let escaped = text
  if (escaped.includes('\\')) escaped = escaped.replaceAll('\\', '\\\\')
  if (escaped.includes('"')) escaped = escaped.replaceAll('"', '\\"')
  return `"${escaped}"`
}

/** A list as the literal of an array, which is cast where it stands: `$1::text::text[]`. */
export function arrayOf(values: readonly (string | number | boolean | null | undefined)[]): string {
  const items = values.map((value) => {
    if (value === null || value === undefined) return 'NULL'
    return typeof value === 'string' ? quoted(value) : value
  })
  return `{${items.join(',')}}`
}

/**
 * A name that is stored as it is and compared.
 *
 * @throws ConfigurationError `option_invalid`: it holds a character that PostgreSQL does not store
 */
export function plainText(text: string, what: string): string {
  if (isPlain(text)) return text
  throw new ConfigurationError(
    'option_invalid',
    `${what} holds a NUL or half a character, which PostgreSQL does not store`,
  )
}
