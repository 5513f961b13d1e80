import { WebhookVerificationError } from './errors.ts'
import type { CryptoBackend, InboundFormat, Key, RawRequest } from './format.ts'
import type { Clock, Ms } from './seams.ts'

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
  return proveRequest(format, secrets, request, clock, crypto, window)
}

/** {@link verifyRequest} of a request whose method was found fit. */
export async function proveRequest(
  format: InboundFormat,
  secrets: readonly KeySet[],
  request: RawRequest,
  clock: Clock,
  crypto: CryptoBackend,
  window: Window,
): Promise<string> {
  const opened = format.open(request)
  const { proofs } = opened
  let fitting: string | undefined
  for (const { keyId, keys } of secrets) {
    let all = proofs.length > 0
    for (const { over, given } of proofs) {
      let fits = false
      for (const key of [...keys, null]) {
        const algorithm = key ? key.algorithm : KEYLESS
        const signatures = given.filter((one) => one.algorithm === algorithm)
        // One computation a key, however many signatures the request carries.
        for (const signed of signatures.length > 0 ? over : []) {
          const one = crypto.verify(algorithm, key, signed, signatures)
          fits = (one instanceof Promise ? await one : one) || fits
        }
      }
      all &&= fits
    }
    if (all) fitting ??= keyId
  }
  if (fitting === undefined) {
    throw new WebhookVerificationError('signature_mismatch', undefined, {
      hint: 'is it the right secret, and are these the bytes that came?',
    })
  }
  // Not before: a time inside the body is parsed for who signed it, and for nobody else.
  const { sentAt } = opened
  if (sentAt && window) {
    // In whole seconds, as most formats write them: 300 seconds old passes, 301 does not.
    const [now, then] = [clock.now(), sentAt].map((time) => Math.floor(time.getTime() / 1000)) as [Ms, Ms]
    const age = (now - then) * 1000
    // A bound that is no number lets nothing through.
    if (!(age <= window.maxAgeMs)) throw new WebhookVerificationError('timestamp_too_old')
    if (!(-age <= window.maxFutureMs)) {
      throw new WebhookVerificationError('timestamp_too_new', undefined, { hint: 'is it in milliseconds?' })
    }
  }
  return fitting
}

/** A hash without a key binds a body whose digest is signed elsewhere. */
const KEYLESS = 'sha256'

/** @throws WebhookVerificationError `method_not_allowed` */
export function checkMethod({ methods }: InboundFormat, method: string): void {
  if (!methods.includes(method)) throw new WebhookVerificationError('method_not_allowed')
}
