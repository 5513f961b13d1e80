import { type IdempotencyStore, type MaybePromise, type Ms, type RawRequest, toHex } from '@hooks/core'
import { after } from './after.ts'
import type { Kernel } from './kernel.ts'
import type { Remembering } from './once.ts'

/** How long the same signed bytes are a duplicate under any id. */
const REPLAY_MS: Ms = 600_000

/** Stands for a message's signed bytes in the store; undefined where none are signed, as with a token. */
export async function digestOf(
  { format, crypto }: Kernel,
  raw: RawRequest,
  scope: string,
): Promise<string | undefined> {
  const signed = format.open(raw).proofs.flatMap(({ over }) => over.flat())
  return signed.length > 0 ? toHex(await crypto.sign('sha256', null, [`${scope}bytes:`, ...signed])) : undefined
}

/**
 * The store for a message whose id is not signed: anyone can send its bytes again under another id. Once done, the signed
 * bytes count as done for ten minutes, whatever id they come under. With `tx`, whoever began the transaction has asked
 * `isDone` before: inside of it one connection would wait for another.
 */
export async function withoutReplay<Tx>(
  store: IdempotencyStore<Tx>,
  kernel: Kernel,
  raw: RawRequest,
  scope: string,
): Promise<Remembering<Tx>> {
  const digest = await digestOf(kernel, raw, scope)
  if (digest === undefined) return store
  const isDone = () => wasReplayed(store, digest)
  return {
    facts: store.facts,
    isDone,
    begin: (key, options) =>
      after(!options.tx && isDone(), (done) => (done ? { state: 'completed' } : store.begin(key, options))),
    complete: (lease, options) => after(markReplayed(store, digest, options), () => store.complete(lease, options)),
    abandon: (lease) => store.abandon(lease),
    extend: (lease, leaseMs) => store.extend(lease, leaseMs),
  }
}

/** Whether the signed bytes were done of late. */
export function wasReplayed(store: IdempotencyStore, digest: string): MaybePromise<boolean> {
  return store.completedWithin(digest, REPLAY_MS)
}

/** The signed bytes are done. */
export function markReplayed<Tx>(store: IdempotencyStore<Tx>, digest: string, { tx }: { readonly tx?: Tx }) {
  const within = tx === undefined ? {} : { tx }
  return after(store.begin(digest, { ...within, leaseMs: REPLAY_MS }), (mark) =>
    mark.state === 'claimed' ? store.complete(mark.lease, { ...within, keepMs: REPLAY_MS }) : undefined,
  )
}
