import {
  EndpointError,
  type Ms,
  type NewEndpoint,
  type Random,
  SECRET_BYTES,
  type StoredSecret,
  type WireFormat,
} from '@hooks/core'
import { publicKeyOf } from './keyring.ts'

/** How many secrets of one endpoint may be live at once. */
export const MOST_SECRETS = 5

/** A secret, and what its receiver verifies with: the same, or of a key pair the public half. */
export interface MadeSecret {
  readonly secret: string
  readonly shown: string
}

/** A fresh secret of the format's own grammar, 32 random bytes strong. */
export function newSecret(format: WireFormat, random: Random): MadeSecret {
  const secret = format.newSecret(random.bytes(SECRET_BYTES))
  return { secret, shown: shownOf(secret) }
}

/** A fresh Ed25519 key pair of Standard Webhooks (`v1a`). The private half never leaves the sender. */
export function newKeyPair(random: Random): MadeSecret {
  const secret = `whsk_${Buffer.from(random.bytes(SECRET_BYTES)).toString('base64')}`
  return { secret, shown: shownOf(secret) }
}

/** What the receiver gets of a secret. */
export const shownOf = (secret: string): string => (secret.startsWith('whsk_') ? publicKeyOf(secret) : secret)

/** How one secret follows another. */
export interface Rotation {
  readonly now: Date
  readonly overlapMs: Ms
  /** The old ones sign no more, from now on. */
  readonly revoke: boolean
  /** Which one signs during the overlap, where a request carries one signature. */
  readonly during: 'new' | 'old'
}

/**
 * An endpoint's secrets with a new one in front. Where a header can hold several signatures, the old ones go on
 * signing for the overlap; where it holds one, the new one signs alone from now on, or from the end of the overlap.
 *
 * @throws EndpointError `secret_limit`
 */
export function rotate(
  endpoint: NewEndpoint,
  secret: Pick<StoredSecret, 'keyId' | 'sealed'>,
  format: WireFormat,
  { now, overlapMs, revoke, during }: Rotation,
): readonly StoredSecret[] {
  if (revoke) return [{ ...secret, signsUntil: null }]
  const one = format.signsWith === 'one-key'
  const later = one && during === 'old' && overlapMs > 0
  const until = new Date(now.getTime() + (one && !later ? 0 : overlapMs))
  // One that was to begin later gives way to this one.
  const old = endpoint.secrets
    .filter((each) => !(one && each.signsFrom && each.signsFrom > now))
    .map((each) => ({ ...each, signsUntil: each.signsUntil && each.signsUntil < until ? each.signsUntil : until }))
  const secrets = [
    { ...secret, ...(later && { signsFrom: until }), signsUntil: null },
    ...old.filter((each) => isLive(each, now)),
  ]
  if (secrets.length > MOST_SECRETS) {
    throw new EndpointError('secret_limit', `an endpoint has at most ${MOST_SECRETS} secrets at a time`, {
      hint: 'wait for an overlap to end, or rotate with `revoke: true`',
    })
  }
  return secrets
}

export const isLive = ({ signsUntil }: StoredSecret, now: Date): boolean => signsUntil === null || signsUntil > now

/** Those that sign now, newest first. */
export function signing(secrets: readonly StoredSecret[], now: Date): readonly StoredSecret[] {
  return secrets.filter((secret) => isLive(secret, now) && !(secret.signsFrom && secret.signsFrom > now))
}
