import { type NewEndpoint, type Random, SECRET_BYTES, type StoredSecret, type WireFormat } from '@hooks/core'

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
