/** How many of a response's headers are kept. */
export const MAX_RESPONSE_HEADERS = 16

/** How much of their names and values is kept, in characters. */
export const MAX_RESPONSE_HEADERS_SIZE = 8192

/** What decides about a retry, or explains a failure, is kept even where it comes after fifteen others. */
const FIRST = ['retry-after', 'date', 'webhook-delivery', 'content-type', 'location']

const SAFE = /^[\t\x20-\x7e]*$/
const UNSAFE = /[^\t\x20-\x7e]/g

/**
 * The headers of a response that are worth keeping: bounded, in visible ASCII (the rest becomes `?`), and without a
 * prototype, so that a header called `__proto__` is one more header. Cookies are left out: they are nobody's to store.
 *
 * @param headers names in lower case, values decoded as Latin-1, as undici gives them
 */
export function keepHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const kept: Record<string, string> = Object.create(null)
  let names = Object.keys(headers)
  if (names.length > MAX_RESPONSE_HEADERS) names = [...FIRST.filter((name) => Object.hasOwn(headers, name)), ...names]
  let count = 0
  let room = MAX_RESPONSE_HEADERS_SIZE
  for (const name of names) {
    const given = headers[name]
    if (given === undefined || name === 'set-cookie' || name in kept) continue
    const text = typeof given === 'string' ? given : given.join(', ')
    const size = name.length + text.length
    if (size > room) continue
    kept[name] = SAFE.test(text) ? text : text.replace(UNSAFE, '?')
    room -= size
    count += 1
    if (count === MAX_RESPONSE_HEADERS) break
  }
  return kept
}
