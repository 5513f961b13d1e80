import {
  ConfigurationError,
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

/** A fresh Ed25519 key pair of Standard Webhooks (`v1a`). The private half never leaves the sender. */
const newKeyPair = (random: Random): string => `whsk_${Buffer.from(random.bytes(SECRET_BYTES)).toString('base64')}`

/** The private half of a key pair, and no text that a client has chosen to look like one. */
export const isKeyPair = (secret: string, format: WireFormat): boolean =>
  secret.startsWith('whsk_') && format.keys(secret, 'sign').every(({ algorithm }) => algorithm === 'ed25519')

/**
 * A secret that signs: the one that was given, or a fresh one of the format's own grammar, 32 random bytes strong; a key
 * pair where `isPair`.
 *
 * @throws ConfigurationError `secret_*`; `option_invalid` for a key pair where the format has none, or beside a secret
 */
export function secretFor(given: string | undefined, isPair: boolean, format: WireFormat, random: Random): string {
  if (given !== undefined && isPair && !isKeyPair(given, format)) {
    throw new ConfigurationError('option_invalid', 'signing is "v1a", and the secret is no private key for it', {
      hint: 'leave out the secret, and a key pair is made; or give the private half, whsk_',
    })
  }
  const secret = given ?? (isPair ? newKeyPair(random) : format.newSecret(random.bytes(SECRET_BYTES)))
  format.keys(secret, 'sign')
  if (!isPair || isKeyPair(secret, format)) return secret
  throw new ConfigurationError('option_invalid', 'the format of the contract has no key pairs', {
    hint: 'signing: "v1a" is for Standard Webhooks; leave it out',
  })
}

/** What the receiver gets of a secret: the same, or of a key pair the public half. */
export const shownOf = (secret: string, format: WireFormat): string =>
  isKeyPair(secret, format) ? publicKeyOf(secret) : secret

/** How one secret follows another. */
export interface Rotation {
  readonly now: Date
  readonly overlapMs: Ms
  /** The old ones sign no more, from now on. */
  readonly revoke: boolean
  /** Which one signs during the overlap, where a request carries one signature. */
  readonly during: 'new' | 'old'
  /** Whether one of the endpoint's is the one that follows. */
  readonly isSame: (secret: StoredSecret) => boolean
}

/**
 * An endpoint's secrets with a new one in front. Where a header can hold several signatures, the old ones go on
 * signing for the overlap; where it holds one, the new one signs alone from now on, or from the end of the overlap. One that
 * is in front already stays as it is, with the list: two signatures of one secret are one too many.
 *
 * @throws EndpointError `secret_limit`
 */
export function rotate(
  endpoint: NewEndpoint,
  secret: Pick<StoredSecret, 'keyId' | 'sealed'>,
  format: WireFormat,
  { now, overlapMs, revoke, during, isSame }: Rotation,
): readonly StoredSecret[] {
  if (revoke) return [{ ...secret, signsUntil: null }]
  const [current] = endpoint.secrets
  if (current && isSame(current)) return endpoint.secrets
  const one = format.signsWith === 'one-key'
  const later = one && during === 'old' && overlapMs > 0
  const until = new Date(now.getTime() + (one && !later ? 0 : overlapMs))
  // One that was to begin later gives way to this one, and the one that signs now goes on until this one does.
  const live = endpoint.secrets.filter((each) => isLive(each, now) && !(one && each.signsFrom && each.signsFrom > now))
  const old = live.map((each) => ({
    ...each,
    signsUntil: !later && each.signsUntil && each.signsUntil < until ? each.signsUntil : until,
  }))
  const secrets = [
    { ...secret, ...(later && { signsFrom: until }), signsUntil: null },
    ...old.filter((each) => isLive(each, now) && (later || !isSame(each))),
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
