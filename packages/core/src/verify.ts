import { WebhookVerificationError } from './errors.ts'
import type { Candidate, CryptoBackend, InboundFormat, Key, Proof, RawRequest } from './format.ts'
import { isAsymmetric } from './inbound-crypto.ts'
import type { Bytes, Clock, MaybePromise, Ms } from './seams.ts'

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
  format: InboundFormat,
  secrets: readonly KeySet[],
  request: RawRequest,
  clock: Clock,
  crypto: CryptoBackend,
  window: Window = format.window,
): Promise<string> {
  checkMethod(format, request.method)
  const { proofs, sentAt } = format.open(request)
  let fitting: string | undefined
  for (const { keyId, keys } of secrets) {
    let all = proofs.length > 0
    for (const proof of proofs) {
      // A needless await costs a tenth of a small request.
      const held = holds(proof, keys, crypto)
      if (!(held instanceof Promise ? await held : held)) all = false
    }
    if (all) fitting ??= keyId
  }
  if (fitting === undefined) {
    throw new WebhookVerificationError('signature_mismatch', 'no signature fits', {
      hint: 'is it the right secret, and are these the bytes that came?',
    })
  }
  if (sentAt && window) checkWindow(sentAt, window, clock)
  return fitting
}

/** @throws WebhookVerificationError `method_not_allowed` */
export function checkMethod({ methods }: InboundFormat, method: string): void {
  if (!methods.includes(method)) throw new WebhookVerificationError('method_not_allowed')
}

function checkWindow(sentAt: Date, { maxAgeMs, maxFutureMs }: NonNullable<Window>, clock: Clock): void {
  // In whole seconds, as most formats write them: 300 seconds old passes, 301 does not.
  const seconds = (time: Date) => Math.floor(time.getTime() / 1000)
  const age = (seconds(clock.now()) - seconds(sentAt)) * 1000
  if (age > maxAgeMs) throw new WebhookVerificationError('timestamp_too_old')
  if (-age > maxFutureMs) {
    throw new WebhookVerificationError('timestamp_too_new', undefined, { hint: 'is it in milliseconds?' })
  }
}

/** One computation a key, however many signatures the request carries. */
function holds({ over, given }: Proof, keys: readonly Key[], crypto: CryptoBackend): MaybePromise<boolean> {
  const found: MaybePromise<boolean>[] = []
  for (const key of [null, ...keys]) {
    const algorithm = key ? key.algorithm : 'sha256'
    const candidates = given.filter((candidate) => candidate.algorithm === algorithm)
    if (candidates.length === 0) continue
    for (const signed of over) {
      if (isAsymmetric(algorithm)) {
        for (const { bytes } of candidates) found.push(crypto.verify(algorithm, key as Key, signed, bytes))
      } else {
        const made = crypto.sign(algorithm, key, signed)
        found.push(made instanceof Promise ? made.then((mac) => anyEqual(mac, candidates)) : anyEqual(made, candidates))
      }
    }
  }
  const any = (all: readonly unknown[]) => all.includes(true)
  return found.some((one) => one instanceof Promise) ? Promise.all(found).then(any) : any(found)
}

/** It looks at all of them, whichever fits. */
function anyEqual(mac: Bytes, candidates: readonly Candidate[]): boolean {
  let fits = false
  for (const { bytes } of candidates) fits = equalBytes(mac, bytes) || fits
  return fits
}

/** Compares in a time that depends on the lengths alone. */
function equalBytes(a: Bytes, b: Bytes): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}
