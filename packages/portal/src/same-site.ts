import { Refusal } from './refusal.ts'

const SAFE = new Set(['GET', 'HEAD'])

/**
 * Refuses changes that another site makes with its visitor's cookies. Browsers say where a request comes from:
 * `Sec-Fetch-Site`, and `Origin` in older ones; a program says neither, and has no cookies to borrow. Fetch Metadata
 * Request Headers (W3C), section 2.1.
 *
 * @throws Refusal 403 `cross_site`
 */
export function refuseCrossSite({ method, headers, url }: Request): void {
  if (SAFE.has(method)) return
  const site = headers.get('sec-fetch-site')
  const origin = headers.get('origin')
  const same =
    site === null ? origin === null || hostOf(origin) === hostOf(url) : site === 'same-origin' || site === 'none'
  if (!same) throw new Refusal(403, 'cross_site', 'Another site may not change anything here.')
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}
