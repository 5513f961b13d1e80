import { type Clock, newId, PayloadError, platformCrypto } from '@hooks/core'

const DAY = 86_400_000
/** In characters. */
export const LONGEST_KEY = 255

/** @throws PayloadError `idempotency_key_invalid` */
export function checkIdempotencyKey(key: unknown): void {
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY) return
  throw new PayloadError('idempotency_key_invalid', `an idempotency key is text of 1 to ${LONGEST_KEY} characters`)
}

/**
 * The ids of what is created under a key: the same tenant and key give the same id for a day, so that a call that is
 * made again, at the same time even, creates nothing again. Today's first, then yesterday's, for what is repeated over
 * midnight. They sort by their day, as other ids do by their time.
 */
export async function keyedIds(
  prefix: string,
  tenant: string,
  key: string,
  clock: Clock,
): Promise<readonly [string, string]> {
  const hash = await platformCrypto().sign('sha256', null, [JSON.stringify([tenant, key])])
  const today = Math.floor(clock.now().getTime() / DAY) * DAY
  const idOn = (ms: number) =>
    newId(
      prefix,
      { ...clock, now: () => new Date(ms) },
      { bytes: (n) => Uint8Array.from(hash.subarray(0, n)), float: () => 0 },
    )
  return [idOn(today), idOn(today - DAY)]
}
