import { type CryptoBackend, isAsymmetric } from './crypto.ts'
import { WebhookVerificationError } from './errors.ts'
import type { Algorithm, Key, Proof, RawRequest, WireFormat } from './format.ts'
import type { Bytes, Clock, Ms } from './seams.ts'

/** A live secret's keys, and how to name that secret to an operator. */
export interface KeySet {
  readonly keyId: string
  readonly keys: readonly Key[]
}

/** How far a signed time may be from the clock. Null where the format signs none, or by the user's choice. */
export type Window = { readonly maxAgeMs: Ms; readonly maxFutureMs: Ms } | null

/**
 * Proves a request: the method, the grammar, every proof under the keys, then the window. A forged request with a
 * stale time is reported as forged. Every key and every candidate is compared whatever came before, each in
 * constant time.
 *
 * @returns the id of the secret that fitted, so that an operator sees when an old one is out of use
 * @throws WebhookVerificationError `method_not_allowed`, `missing_header`, `ambiguous_header`, `malformed_header`,
 *   `malformed_timestamp`, `signature_mismatch`, `timestamp_too_old`, `timestamp_too_new`
 */
export async function verifyRequest(
  format: WireFormat,
  secrets: readonly KeySet[],
  request: RawRequest,
  clock: Clock,
  crypto: CryptoBackend,
  window: Window = format.window,
): Promise<string> {
  if (!format.methods.includes(request.method)) {
    throw new WebhookVerificationError('method_not_allowed', `${format.name} takes ${format.methods.join(', ')} only`)
  }
  const { proofs, sentAt } = format.open(request)
  let fitting: string | undefined
  for (const { keyId, keys } of secrets) {
    let all = proofs.length > 0
    for (const proof of proofs) {
      const held = holds(proof, keys, crypto)
      if (!(typeof held === 'boolean' ? held : await held)) all = false
    }
    if (all) fitting ??= keyId
  }
  if (fitting === undefined) {
    throw new WebhookVerificationError('signature_mismatch', 'no signature fits', {
      hint: 'is it the secret of this endpoint, and are the bytes those that were received, before any parsing?',
    })
  }
  if (sentAt && window) checkWindow(sentAt, window, clock)
  return fitting
}

function checkWindow(sentAt: Date, { maxAgeMs, maxFutureMs }: { maxAgeMs: Ms; maxFutureMs: Ms }, clock: Clock): void {
  // In whole seconds, as most formats write them: 300 seconds old passes, 301 does not.
  const age = (Math.floor(clock.now().getTime() / 1000) - Math.floor(sentAt.getTime() / 1000)) * 1000
  if (age > maxAgeMs) throw new WebhookVerificationError('timestamp_too_old', 'the request was sent too long ago')
  if (-age > maxFutureMs) {
    throw new WebhookVerificationError('timestamp_too_new', 'the request is stamped in the future', {
      hint: 'is a clock wrong, or are these milliseconds where the format has seconds?',
    })
  }
}

function holds(proof: Proof, keys: readonly Key[], crypto: CryptoBackend): boolean | Promise<boolean> {
  let fits = false
  let pending: Promise<boolean>[] | undefined
  for (const over of proof.over) {
    for (const { algorithm, key } of computations(proof, keys)) {
      const made = crypto.sign(algorithm, key, over)
      if (made instanceof Promise) (pending ??= []).push(made.then((mac) => anyEqual(mac, algorithm, proof)))
      else fits = anyEqual(made, algorithm, proof) || fits
    }
    for (const key of keys) {
      if (!isAsymmetric(key.algorithm) || key.use === 'sign') continue
      for (const { algorithm, bytes } of proof.given) {
        if (algorithm !== key.algorithm) continue
        const good = crypto.verify(algorithm, key, over, bytes)
        if (typeof good === 'boolean') fits = good || fits
        else (pending ??= []).push(good)
      }
    }
  }
  return pending ? Promise.all(pending).then((all) => all.includes(true) || fits) : fits
}

/** One per key whose algorithm was offered: the number of signatures in a header costs no further MAC. */
function* computations(proof: Proof, keys: readonly Key[]): Iterable<{ algorithm: Algorithm; key: Key | null }> {
  const offered = (algorithm: Algorithm) => proof.given.some((candidate) => candidate.algorithm === algorithm)
  if (offered('sha256')) yield { algorithm: 'sha256', key: null }
  for (const key of keys) {
    if (!isAsymmetric(key.algorithm) && offered(key.algorithm)) yield { algorithm: key.algorithm, key }
  }
}

function anyEqual(mac: Bytes, algorithm: Algorithm, { given }: Proof): boolean {
  let fits = false
  for (const candidate of given) {
    if (candidate.algorithm === algorithm) fits = equalBytes(mac, candidate.bytes) || fits
  }
  return fits
}

/** Compares in a time that depends on the lengths alone. */
function equalBytes(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}
