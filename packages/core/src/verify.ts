import { WebhookVerificationError } from './errors.ts'
import type { CryptoBackend, InboundFormat, Key, RawRequest } from './format.ts'
import type { Clock, MaybePromise, Ms } from './seams.ts'

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

/** {@link verifyRequest} of a request whose method was found fit. Where the cryptography makes no promise, it makes none: it throws. */
export function proveRequest(
  format: InboundFormat,
  secrets: readonly KeySet[],
  request: RawRequest,
  clock: Clock,
  crypto: CryptoBackend,
  window: Window,
): MaybePromise<string> {
  const opened = format.open(request)
  const { proofs } = opened
  /** By secret, of each proof whether it holds. */
  const held: boolean[][] = secrets.map(() => proofs.map(() => false))
  const late: Promise<void>[] = []
  const judge = (): string => {
    const fitting = secrets.find((_, i) => proofs.length > 0 && !held[i]?.includes(false))
    if (!fitting) {
      throw new WebhookVerificationError('signature_mismatch', undefined, {
        hint: 'is it the right secret? are these the bytes that came?',
      })
    }
    // Not before: a time inside the body is parsed for who signed it, and for nobody else.
    const { sentAt } = opened
    if (sentAt && window) checkWindow(sentAt, window, clock)
    return fitting.keyId
  }
  secrets.forEach(({ keys }, i) => {
    proofs.forEach(({ over, given }, j) => {
      const note = (fits: boolean) => {
        if (fits) (held[i] as boolean[])[j] = true
      }
      // One computation a key, however many signatures the request carries. The last has none: a hash binds a body
      // whose digest is signed elsewhere.
      for (const key of [...keys, null]) {
        const algorithm = key ? key.algorithm : 'sha256'
        if (!given.some((one) => one.algorithm === algorithm)) continue
        for (const signed of over) {
          const fits = crypto.verify(algorithm, key, signed, given)
          if (fits instanceof Promise) late.push(fits.then(note))
          else note(fits)
        }
      }
    })
  })
  return late.length > 0 ? Promise.all(late).then(judge) : judge()
}

function checkWindow(sentAt: Date, { maxAgeMs, maxFutureMs }: NonNullable<Window>, clock: Clock): void {
  // In whole seconds, as most formats write them: 300 seconds old passes, 301 does not.
  const seconds = (time: Date) => Math.floor(time.getTime() / 1000)
  const age = (seconds(clock.now()) - seconds(sentAt)) * 1000
  // A bound that is no number lets nothing through.
  if (!(age <= maxAgeMs)) throw new WebhookVerificationError('timestamp_too_old')
  if (!(-age <= maxFutureMs)) {
    throw new WebhookVerificationError('timestamp_too_new', undefined, { hint: 'is it in milliseconds?' })
  }
}

/** @throws WebhookVerificationError `method_not_allowed` */
export function checkMethod({ methods }: InboundFormat, method: string): void {
  if (!methods.includes(method)) throw new WebhookVerificationError('method_not_allowed')
}
