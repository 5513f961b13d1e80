import {
  type Endpoint,
  type Key,
  type NewEndpoint,
  type Random,
  SECRET_BYTES,
  type StoredSecret,
  type WireFormat,
} from '@hooks/core'

/** How many secrets of one endpoint may be live at once. */
export const MOST_SECRETS = 5

/** A fresh secret of the format's own grammar, 32 random bytes strong. */
export function newSecret(format: WireFormat, random: Random): string {
  return format.newSecret(random.bytes(SECRET_BYTES))
}

/** A secret as it is stored. Whoever reads the database reads it. */
export function storeSecret(secret: string): StoredSecret {
  return { keyId: null, sealed: secret, signsUntil: null }
}

/**
 * An endpoint's secrets with a new one in front. Where a header can hold several signatures, the old ones go on
 * signing for the overlap; where it holds one, the new one signs alone from now on.
 */
export function rotate(
  endpoint: NewEndpoint,
  secret: string,
  format: WireFormat,
  now: Date,
  overlapMs: number,
): readonly StoredSecret[] {
  const until = new Date(now.getTime() + (format.signsWith === 'all-keys' ? overlapMs : 0))
  const old = live(endpoint.secrets, now).map((one) => ({
    ...one,
    signsUntil: one.signsUntil && one.signsUntil < until ? one.signsUntil : until,
  }))
  return [storeSecret(secret), ...live(old, now)].slice(0, MOST_SECRETS)
}

function live(secrets: readonly StoredSecret[], now: Date): StoredSecret[] {
  return secrets.filter(({ signsUntil }) => signsUntil === null || signsUntil > now)
}

const MOST_CACHED = 10_000

/** The keys with which an endpoint's attempts are signed now, newest first. Keys are made once for each revision. */
export function createKeyring(format: WireFormat): (endpoint: Endpoint, now: Date) => readonly Key[] {
  const cache = new Map<string, { rev: number; keys: { signsUntil: Date | null; keys: readonly Key[] }[] }>()
  return (endpoint, now) => {
    let cached = cache.get(endpoint.id)
    if (cached?.rev !== endpoint.rev) {
      const keys = endpoint.secrets.map(({ sealed, signsUntil }) => ({ signsUntil, keys: format.keys(sealed, 'sign') }))
      cached = { rev: endpoint.rev, keys }
      if (cache.size >= MOST_CACHED) cache.clear()
      cache.set(endpoint.id, cached)
    }
    return cached.keys.filter(({ signsUntil }) => signsUntil === null || signsUntil > now).flatMap(({ keys }) => keys)
  }
}
