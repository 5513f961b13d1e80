import type { Endpoint, Key, Ms, WireFormat } from '@hooks/core'

/** Where an endpoint's attempts go, and the keys that sign them, newest first. */
export interface Destination {
  readonly url: URL
  readonly keys: readonly Key[]
}

interface Cached {
  readonly rev: number
  /** When the first of its secrets stops signing. */
  readonly until: Ms
  readonly destination: Destination
}

const MOST_CACHED = 10_000

/** An endpoint's destination as of now. It is made once for each revision, and again when a secret runs out. */
export function createDestinations(format: WireFormat): (endpoint: Endpoint, now: Date) => Destination {
  const cache = new Map<string, Cached>()
  return (endpoint, now) => {
    const time = now.getTime()
    const cached = cache.get(endpoint.id)
    if (cached && cached.rev === endpoint.rev && time < cached.until) return cached.destination
    const live = endpoint.secrets.filter(({ signsUntil }) => signsUntil === null || signsUntil.getTime() > time)
    const destination = {
      url: new URL(endpoint.url),
      keys: live.flatMap(({ sealed }) => format.keys(sealed, 'sign')),
    }
    const until = Math.min(...live.map(({ signsUntil }) => signsUntil?.getTime() ?? Number.POSITIVE_INFINITY))
    if (cache.size >= MOST_CACHED) cache.clear()
    cache.set(endpoint.id, { rev: endpoint.rev, until, destination })
    return destination
  }
}
