import type { Acceptance, Applied, Begun, LeaseRef, Ms, StoredRequest } from '@hooks/core'
import { requestValues } from './inbox-rows.ts'
import { encodeText } from './rows.ts'
import type { Session } from './session.ts'
import { ABANDON, ACCEPT, BEGIN, COMPLETE, COMPLETED_WITHIN, EXTEND, FIND_KEY, FORGET, OVER } from './sql/inbox.ts'
import { after, type Epoch } from './time.ts'

interface KnownKey {
  readonly state: 'begun' | 'free' | 'accepted' | 'done' | 'dead'
  readonly until_at: Epoch
}

/** {@link IdempotencyStore.begin}. It writes first: a transaction that has read cannot wait for the lock. */
export function begin(db: Session, now: Epoch, key: string, token: string, leaseMs: Ms): Begun {
  const endsAt = after(now, leaseMs)
  const claimed = db.get<{ attempt: number; claims: number }>(BEGIN, encodeText(key), token, endsAt, now)
  if (claimed) return { state: 'claimed', lease: { key, token, ...counts(claimed), leaseLeftMs: endsAt - now } }
  const { state, until_at: until } = known(db, key)
  if (state === 'done' || state === 'dead') return { state: 'completed' }
  return { state: 'in_progress', retryInMs: Math.max(0, until - now) }
}

/** {@link IdempotencyStore.complete}. */
export function complete(db: Session, now: Epoch, { key, token }: LeaseRef, keepMs: Ms): Applied {
  return applied(db.run(COMPLETE, now, after(now, keepMs), encodeText(key), token, now))
}

/** {@link IdempotencyStore.abandon}. */
export function abandon(db: Session, now: Epoch, { key, token }: LeaseRef): Applied {
  return applied(db.run(ABANDON, now, encodeText(key), token))
}

/** {@link IdempotencyStore.extend}. */
export function extend(db: Session, now: Epoch, { key, token }: LeaseRef, leaseMs: Ms): Applied {
  return applied(db.run(EXTEND, after(now, leaseMs), encodeText(key), token))
}

/** {@link IdempotencyStore.completedWithin}. */
export function completedWithin(db: Session, now: Epoch, key: string, withinMs: Ms): boolean {
  const since = Math.max(-Number.MAX_SAFE_INTEGER, Math.floor(now - withinMs))
  return db.get(COMPLETED_WITHIN, encodeText(key), now, since) !== undefined
}

/** {@link Inbox.accept}. It writes first, as {@link begin} does. */
export function accept(db: Session, now: Epoch, key: string, request: StoredRequest, keepMs: Ms): Acceptance {
  const keep = after(0, keepMs)
  if (db.get(ACCEPT, encodeText(key), now, keep, ...requestValues(request), now)) return 'accepted'
  return known(db, key).state === 'begun' ? 'in_progress' : 'duplicate'
}

/** How long a claim that came to nothing can still be completed, and its count of crashes is known. */
const UNFINISHED_MS: Ms = 86_400_000

/** {@link IdempotencyStore.prune}. */
export function prune(db: Session, now: Epoch, limit: number): { readonly more: boolean } {
  const rows = db.all<{ seq: number }>(OVER, now, now - UNFINISHED_MS, limit + 1)
  for (const { seq } of rows.slice(0, limit)) db.run(FORGET, seq)
  return { more: rows.length > limit }
}

/** The row that kept a key from being claimed or accepted: it is there, in the same transaction. */
const known = (db: Session, key: string) => db.get<KnownKey>(FIND_KEY, encodeText(key)) as KnownKey
const counts = ({ attempt, claims }: { attempt: number; claims: number }) => ({ attempt, claims })
const applied = (changes: number): Applied => (changes > 0 ? 'applied' : 'stale')
