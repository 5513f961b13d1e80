/**
 * A stranger's text so that all of it is seen: characters that draw nothing, or turn the direction of what follows, are
 * written out.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (one) =>
    KEPT.has(one) ? one : `\\u${one.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  )
}

/** White space, and what joins the parts of one emoji. */
const KEPT = new Set(['\t', '\n', '\r', '\u200d'])

/** JSON with lines and indents; anything else as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** A command that makes the request again. It has no signature: only the sender has the secret. */
export function curlOf({
  url,
  headers,
  body,
}: {
  url: string
  headers: Readonly<Record<string, string>>
  body: string
}) {
  const given = Object.entries(headers).map(([name, value]) => ` \\\n  -H ${quoted(`${name}: ${value}`)}`)
  // curl takes brackets and braces for a list of URLs.
  const globs = /[[\]{}]/.test(url) ? ' --globoff' : ''
  return `curl -X POST${globs} ${quoted(url)}${given.join('')} \\\n  --data-raw ${quoted(body)}`
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
