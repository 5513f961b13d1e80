import { EndpointError } from '@hooks/core'

/** How many headers of its own an endpoint may have. */
export const MAX_CUSTOM_HEADERS = 20

/** The longest value of one such header, in bytes. */
export const MAX_HEADER_VALUE = 4096

/** The grammar of a header's name: RFC 9110, 5.6.2. */
export const HEADER_NAME = /^[!#$%&'*+\-.^_`|~\da-z]+$/i

/** The grammar of a header's value. undici also lets Latin-1 through, which receivers read in different ways. */
export const HEADER_VALUE = /^[\t\x20-\x7e]*$/

/** Headers that decide where a request ends, where it goes or what becomes of the connection. */
export const FRAMING_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host', // undici takes the TLS server name from it
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const FORBIDDEN = new Set([...FRAMING_HEADERS, 'accept-encoding', 'content-encoding', 'cookie', 'forwarded'])
const FORBIDDEN_PREFIX = /^(?:proxy-|webhook-|x-forwarded-)/

/**
 * The headers that an endpoint adds to its requests, checked and with names in lower case. No message holds a value,
 * for values are often tokens.
 *
 * @param reserved names in lower case that the wire format, or the sender, writes itself
 * @throws EndpointError `header_forbidden` for a name that is not the endpoint's to set, `header_invalid` for a name
 * or a value that is not valid HTTP, a name given twice, a value over 4,096 bytes, or more than 20 headers
 */
export function checkCustomHeaders(
  headers: unknown,
  reserved: readonly string[] = [],
): Readonly<Record<string, string>> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new EndpointError('header_invalid', 'The headers are not an object', {
      hint: "give names and values, such as { 'x-api-key': '...' }",
    })
  }
  const entries = Object.entries(headers as Record<string, unknown>)
  if (entries.length > MAX_CUSTOM_HEADERS) {
    throw new EndpointError('header_invalid', `There are more than ${MAX_CUSTOM_HEADERS} headers`)
  }
  const checked: Record<string, string> = Object.create(null)
  for (const [given, value] of entries) {
    const name = given.toLowerCase()
    if (!HEADER_NAME.test(name) || name.length > 128) {
      throw new EndpointError('header_invalid', "A header's name is not valid HTTP", {
        hint: 'use up to 128 letters, digits and hyphens',
      })
    }
    if (FORBIDDEN.has(name) || FORBIDDEN_PREFIX.test(name) || reserved.includes(name)) {
      throw new EndpointError('header_forbidden', `The header ${name} is not an endpoint's to set`, {
        hint: 'use another name: the sender, the connection or a proxy needs this one',
      })
    }
    if (typeof value !== 'string' || !HEADER_VALUE.test(value)) {
      throw new EndpointError('header_invalid', `The value of the header ${name} is not visible ASCII text`, {
        hint: 'encode what is not ASCII, and leave out line breaks',
      })
    }
    if (value.length > MAX_HEADER_VALUE) {
      throw new EndpointError(
        'header_invalid',
        `The value of the header ${name} is longer than ${MAX_HEADER_VALUE} bytes`,
      )
    }
    if (name in checked) throw new EndpointError('header_invalid', `The header ${name} is given twice`)
    checked[name] = value
  }
  return checked
}
