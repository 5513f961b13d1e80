import { ConfigurationError, type Endpoint, type Key, type Ms, type WireFormat } from '@hooks/core'
import type { Keyring, Sealed } from './keyring.ts'
import { signing } from './secrets.ts'

/** Where an endpoint's attempts go, and what signs them and goes along. */
export interface Destination {
  readonly url: URL
  /** Newest first. */
  readonly keys: readonly Key[]
  /** The keys of the second format, during a migration. */
  readonly alsoKeys: readonly Key[]
  /** The endpoint's own headers. */
  readonly headers: Readonly<Record<string, string>>
}

/** What of an endpoint's settings is sealed. */
export interface SealedSettings {
  readonly headers?: Sealed | null
  readonly alsoSign?: Sealed | null
}

interface Cached {
  readonly rev: number
  /** An endpoint that was removed and created again under one idempotency key has its id and its revs once more. */
  readonly createdAt: Ms
  /** When another of its secrets begins to sign, or one stops. */
  readonly until: Ms
  readonly destination: Destination
}

const MOST_CACHED = 10_000

/**
 * An endpoint's destination as of now. It is made once for each revision, and again when its secrets change places.
 * It throws ConfigurationError `secret_sealed` where a secret cannot be read, `secret_missing` where none signs.
 */
export function createDestinations(
  format: WireFormat,
  keyring: Keyring,
  also?: WireFormat,
): (endpoint: Endpoint, now: Date) => Destination {
  const cache = new Map<string, Cached>()
  return (endpoint, now) => {
    const time = now.getTime()
    const cached = cache.get(endpoint.id)
    const { id, secrets, rev } = endpoint
    const createdAt = endpoint.createdAt.getTime()
    if (cached?.rev === rev && cached.createdAt === createdAt && time < cached.until) return cached.destination
    const { headers, alsoSign } = endpoint.settings as SealedSettings
    const keys = signing(secrets, now).flatMap((secret) => format.keys(keyring.open(secret, id), 'sign'))
    if (keys.length === 0) throw new ConfigurationError('secret_missing', 'no secret of the endpoint signs now')
    const destination = {
      url: new URL(endpoint.url),
      keys,
      alsoKeys: also && alsoSign ? also.keys(keyring.open(alsoSign, id), 'sign') : [],
      headers: headers ? (JSON.parse(keyring.open(headers, id)) as Record<string, string>) : {},
    }
    const changes = secrets.flatMap(({ signsFrom, signsUntil }) => [signsFrom?.getTime(), signsUntil?.getTime()])
    const until = Math.min(...changes.map((at) => (at === undefined || at <= time ? Number.POSITIVE_INFINITY : at)))
    if (cache.size >= MOST_CACHED) cache.clear()
    cache.set(id, { rev, createdAt, until, destination })
    return destination
  }
}
