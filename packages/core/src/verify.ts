import { WebhookVerificationError } from './errors.ts'
import type { CryptoBackend, InboundFormat, Key, Opened, RawRequest } from './format.ts'
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
  const held: MaybePromise<boolean>[] = []
  const fitting = fittingSecret(secrets, opened, (algorithm, key, signed, given) => {
    const one = crypto.verify(algorithm, key, signed, given)
    held.push(one)
    return one
  })
  const judge = (secret: KeySet | undefined): string => {
    if (!secret) {
      throw new WebhookVerificationError('signature_mismatch', undefined, {
        hint: 'is it the right secret, and the bytes that came?',
      })
    }
    // Not before: a time inside the body is parsed for who signed it, and for nobody else.
    const { sentAt } = opened
    if (sentAt && window) checkWindow(sentAt, window, clock)
    return secret.keyId
  }
  if (!held.some((one) => one instanceof Promise)) return judge(fitting)
  return Promise.all(held).then((all) => judge(fittingSecret(secrets, opened, () => all.shift())))
}

/** What a comparison says; a promise is not yet a yes. */
type Compare = (...given: Parameters<CryptoBackend['verify']>) => MaybePromise<boolean> | undefined

/**
 * The first secret under which every proof holds, by what `compare` says. It is asked about all of them, always in one
 * order: one computation a key, however many signatures the request carries.
 */
function fittingSecret(secrets: readonly KeySet[], { proofs }: Opened, compare: Compare): KeySet | undefined {
  let fitting: KeySet | undefined
  for (const secret of secrets) {
    let all = proofs.length > 0
    for (const { over, given } of proofs) {
      let holds = false
      for (let i = 0; i <= secret.keys.length; i++) {
        // The last key is none: a hash binds a body whose digest is signed elsewhere.
        const key = secret.keys[i] ?? null
        const algorithm = key ? key.algorithm : 'sha256'
        if (!given.some((one) => one.algorithm === algorithm)) continue
        for (const signed of over) holds = compare(algorithm, key, signed, given) === true || holds
      }
      all &&= holds
    }
    if (all) fitting ??= secret
  }
  return fitting
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
