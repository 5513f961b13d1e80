import { type IdempotencyStore, type MaybePromise, type Ms, type RawRequest, toHex } from '@hooks/core'
import { after } from './after.ts'
import type { Kernel } from './kernel.ts'
import type { Remembering } from './once.ts'

/** How long the same signed bytes are a duplicate under any id, where no time is among them. */
const TEN_MINUTES: Ms = 600_000

/** What a store knows of a message's signed bytes. */
export interface SignedBytes<Tx> {
  /** Whether they were done of late, under whatever id. */
  areDone(): MaybePromise<boolean>
  /** They are done. */
  done(within: { readonly tx?: Tx }): unknown
}

/** A message's signed bytes; undefined where none are signed, as with a token. */
export async function signedBytes<Tx>(
  store: IdempotencyStore<Tx>,
  { format, crypto, goodMs }: Kernel,
  raw: RawRequest,
  scope: string,
): Promise<SignedBytes<Tx> | undefined> {
  const signed = format.open(raw).proofs.flatMap(({ over }) => over.flat())
  if (signed.length === 0) return undefined
  const key = toHex(await crypto.sign('sha256', null, [`${scope}bytes:`, ...signed]))
  // Bytes with a time among them can be sent for as long as it is good, and are nobody else's.
  const ms = Math.max(TEN_MINUTES, goodMs)
  return {
    areDone: () => store.completedWithin(key, ms),
    done: (within) =>
      after(store.begin(key, { ...within, leaseMs: ms }), (mark) =>
        mark.state === 'claimed' ? store.complete(mark.lease, { ...within, keepMs: ms }) : undefined,
      ),
  }
}

/**
 * The store for a message whose id is not signed: anyone can send its bytes again under another id. Once done, the signed
 * bytes count as done for ten minutes, or for as long as a time among them is good, whatever id they come under. With `tx`,
 * whoever began the transaction has asked `isDone` before: inside of it one connection would wait for another.
 */
export async function withoutReplay<Tx>(
  store: IdempotencyStore<Tx>,
  kernel: Kernel,
  raw: RawRequest,
  scope: string,
): Promise<Remembering<Tx>> {
  const bytes = await signedBytes(store, kernel, raw, scope)
  if (!bytes) return store
  return {
    facts: store.facts,
    isDone: bytes.areDone,
    begin: (key, options) =>
      after(!options.tx && bytes.areDone(), (done) => (done ? { state: 'completed' } : store.begin(key, options))),
    complete: (lease, options) => after(bytes.done(options), () => store.complete(lease, options)),
    abandon: (lease) => store.abandon(lease),
    extend: (lease, leaseMs) => store.extend(lease, leaseMs),
  }
}
