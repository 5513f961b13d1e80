import {
  type Acceptance,
  type Applied,
  type Begun,
  backoff,
  type LeaseRef,
  type Ms,
  type Seams,
  StorageError,
  type StoredRequest,
} from '@hooks/core'
import type { Database } from './database.ts'
import type { PostgresHandle } from './handle.ts'
import { type Count, requestValues } from './inbox-rows.ts'
import { type Component, versionOf } from './ledger.ts'
import { ABANDON, ACCEPT, BEGIN, COMPLETE, COMPLETED_WITHIN, EXTEND, INBOX_MIGRATIONS, PRUNE } from './sql/inbox.ts'
import { encodeText } from './text.ts'

/** The inbox in the ledger of the package. */
export const INBOX: Component = { name: 'inbox', migrations: INBOX_MIGRATIONS }
const VERSION = String(versionOf(INBOX))

/** What a store asks with. */
export interface InboxSession extends Pick<Seams, 'clock' | 'random'> {
  readonly db: Database
}

type State = 'begun' | 'accepted' | 'done' | 'dead'
type Tx = PostgresHandle | undefined

interface Found {
  readonly version: Count
  readonly least: Count
  readonly installation: string
}

/** How soon a sender is told to come again, where a key is held by a transaction that cannot be looked into. */
const SOON: Ms = 1_000
/** How often a row is asked for that a moment ago another had locked. */
const TRIES = 8

/** {@link IdempotencyStore.begin}. */
export async function begin({ db }: InboxSession, key: string, token: string, leaseMs: Ms, tx: Tx): Promise<Begun> {
  type Row = Found & { attempt: Count | null; claims: Count | null; state: State | null; leftms: Count | null }
  const values = [encodeText(key), token, String(Math.max(0, leaseMs)), VERSION, db.installation]
  const { attempt, claims, state, leftms } = judged(db, await db.runOn<Row>(tx, BEGIN, values))
  if (attempt !== null) {
    return {
      state: 'claimed',
      lease: { key, token, attempt: Number(attempt), claims: Number(claims), leaseLeftMs: leaseMs },
    }
  }
  if (state === 'done' || state === 'dead') return { state: 'completed' }
  return { state: 'in_progress', retryInMs: state === null ? Math.min(SOON, leaseMs) : Number(leftms) }
}

/**
 * {@link Inbox.accept}. Of several at once, all but one find the key in a transaction that is about to be over: those
 * that are in none of their own look again a little later.
 */
export async function accept(
  session: InboxSession,
  key: string,
  request: StoredRequest,
  keepMs: Ms,
  tx: Tx,
): Promise<Acceptance> {
  const { db } = session
  type Row = Found & { accepted: Count | null; state: State | null }
  const values = [encodeText(key), VERSION, db.installation, String(Math.max(0, keepMs)), ...requestValues(request)]
  const answer = await again(session, tx === undefined ? 3 : 1, async () => {
    const { accepted, state } = judged(db, await db.runOn<Row>(tx, ACCEPT, values))
    if (accepted !== null) return 'accepted'
    if (state === null) return undefined
    return state === 'begun' ? 'in_progress' : 'duplicate'
  })
  return answer ?? 'in_progress'
}

/** {@link IdempotencyStore.complete}. */
export const complete = (session: InboxSession, lease: LeaseRef, keepMs: Ms, tx: Tx): Promise<Applied> =>
  change(session, COMPLETE, lease, keepMs, tx)

/** {@link IdempotencyStore.abandon}. */
export const abandon = (session: InboxSession, lease: LeaseRef): Promise<Applied> =>
  change(session, ABANDON, lease, null, undefined)

/** {@link IdempotencyStore.extend}. */
export const extend = (session: InboxSession, lease: LeaseRef, leaseMs: Ms): Promise<Applied> =>
  change(session, EXTEND, lease, leaseMs, undefined)

/** Never waits in the database: a row that another has locked would keep the connection. */
async function change(
  session: InboxSession,
  statement: string,
  { key, token }: LeaseRef,
  ms: Ms | null,
  tx: Tx,
): Promise<Applied> {
  const { db } = session
  type Row = Found & { changed: Count | null; seen: Count | null }
  const time = ms === null ? null : String(Math.max(0, ms))
  const applied = await again<Applied>(session, TRIES, async () => {
    const values = [encodeText(key), encodeText(token), VERSION, db.installation, time]
    const { changed, seen } = judged(db, await db.runOn<Row>(tx, statement, values))
    if (changed !== null) return 'applied'
    return seen === null ? 'stale' : undefined
  })
  if (applied) return applied
  throw new StorageError('storage_busy', 'another transaction has the key locked; nothing was written', {
    hint: 'keep the transactions short in which keys are begun and completed',
  })
}

/** {@link IdempotencyStore.completedWithin}. */
export async function completedWithin({ db }: InboxSession, key: string, withinMs: Ms): Promise<boolean> {
  return (await db.run(COMPLETED_WITHIN, [encodeText(key), String(Math.max(0, withinMs))])).length > 0
}

/** {@link IdempotencyStore.prune}. */
export async function prune({ db }: InboxSession, limit: number): Promise<{ readonly more: boolean }> {
  const [row] = await db.run<{ found: Count }>(PRUNE, [String(limit)])
  return { more: Number(row?.found) > limit }
}

/** Asks again, a little later each time, until there is an answer. */
async function again<T>(
  { clock, random }: InboxSession,
  tries: number,
  ask: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let n = 1; ; n++) {
    const answer = await ask()
    if (answer !== undefined || n >= tries) return answer
    await clock.sleep(backoff(n, random, { firstMs: 5, mostMs: 200 }))
  }
}

/** The one row, where the tables are right. */
function judged<Row extends Found>(db: Database, [row]: readonly Row[]): Row {
  db.judge(row && { version: Number(row.version), leastClient: Number(row.least), installation: row.installation })
  return row as Row
}
