/**
 * Refuses what is no receiver and no fetch handler, where it is mounted: the first request would fail otherwise,
 * with words about this package's insides.
 */
export function checkServed(served: unknown, method: 'handle' | 'fetch', by: string): void {
  if (typeof (served as Record<string, unknown> | null | undefined)?.[method] === 'function') return
  const [what, maker] = MAKERS[method]
  throw Object.assign(new TypeError(`${by} was given no ${what}`), {
    code: 'option_invalid',
    hint: `${maker} makes one`,
  })
}

const MAKERS = {
  handle: ['receiver', 'createReceiver of @hooks/receiver'],
  fetch: ['fetch handler', 'createPortal or createManagementApi of @hooks/portal'],
} as const
