import { ConfigurationError } from '@hooks/core'

/**
 * What a browser may do with the page: load what comes from its own origin, and nothing else. The page has no inline
 * script and no inline style.
 *
 * @throws ConfigurationError `option_invalid`
 */
export function pageHeaders(
  frameAncestors: readonly string[],
  imageOrigin: string | undefined,
): Readonly<Record<string, string>> {
  for (const origin of frameAncestors) {
    if (/^https?:\/\/(\*\.)?[\w.-]+(:(\d+|\*))?$/.test(origin)) continue
    throw new ConfigurationError('option_invalid', 'frameAncestors has what is no origin', {
      hint: 'such as https://app.example, without a path',
    })
  }
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    ["img-src 'self' data:", ...(imageOrigin ? [imageOrigin] : [])].join(' '),
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    ["frame-ancestors 'self'", ...frameAncestors].join(' '),
  ]
  return { ...SAFE, 'content-security-policy': policy.join('; '), 'cross-origin-opener-policy': 'same-origin' }
}

/** For every answer: read as what it is said to be, and its address told to nobody. */
export const SAFE = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' } as const
