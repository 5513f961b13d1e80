import type {
  Applied,
  ClaimOptions,
  InboxLease,
  InboxOutcome,
  LeaseRef,
  Ms,
  OfReceiver,
  Page,
  Paged,
} from '@hooks/core'
import type { Database } from './database.ts'
import { type Count, inboxLeaseOf, type RequestRow } from './inbox-rows.ts'
import { inRounds } from './rounds.ts'
import { CLAIM, DEAD, NEXT_DUE, RELEASE, RETRY_DEAD, SETTLE } from './sql/inbox.ts'
import { arrayOf, decodeText, encodeText } from './text.ts'

/** {@link Inbox.claim}, under the token that it gives out. */
export async function claim(db: Database, options: ClaimOptions & OfReceiver, token: string): Promise<InboxLease[]> {
  const { receiver, limit, leaseMs, worker } = options
  const values = [String(limit), token, String(leaseMs), encodeText(worker), encodeText(receiver)]
  const rows = await db.run<RequestRow>(CLAIM, values)
  return rows.map((row) => inboxLeaseOf(row, leaseMs))
}

type Settlement = LeaseRef & InboxOutcome

/** {@link Inbox.settle}: one statement, unless a key comes twice. */
export async function settle(db: Database, settlements: readonly Settlement[]): Promise<Applied[]> {
  const applied = new Map<Settlement, Applied>()
  for (const round of inRounds(settlements, ({ key }) => key)) {
    const column = (of: (settlement: Settlement) => string | null) => arrayOf(round.map(of))
    const rows = await db.run<{ applied: Count }>(SETTLE, [
      column(({ key }) => encodeText(key)),
      column(({ token }) => encodeText(token)),
      column(({ result }) => result),
      column((one) => (one.result === 'retry' ? String(Math.max(0, one.retryInMs)) : null)),
      column((one) => (one.result === 'dead' ? encodeText(one.reason) : null)),
    ])
    for (const [i, one] of round.entries()) applied.set(one, Number(rows[i]?.applied) === 1 ? 'applied' : 'stale')
  }
  return settlements.map((one) => applied.get(one) as Applied)
}

/** {@link Inbox.release}. */
export async function release(db: Database, leases: readonly LeaseRef[]): Promise<void> {
  const column = (of: (lease: LeaseRef) => string) => arrayOf(leases.map((lease) => encodeText(of(lease))))
  await db.run(RELEASE, [column(({ key }) => key), column(({ token }) => token)])
}

/** {@link Inbox.nextDueInMs}. */
export async function nextDueInMs(db: Database, { receiver }: OfReceiver): Promise<Ms | null> {
  const [row] = await db.run<{ due: Count | null }>(NEXT_DUE, [encodeText(receiver)])
  return row?.due == null ? null : Number(row.due)
}

/** {@link Inbox.dead}. */
export async function listDead(db: Database, { receiver, cursor = '0', limit }: Page & OfReceiver) {
  const rows = await db.run<RequestRow & { place: Count }>(DEAD, [cursor, String(limit + 1), encodeText(receiver)])
  const page = rows.slice(0, limit)
  const data = page.map((row) => ({ ...inboxLeaseOf(row, 0), reason: decodeText(row.reason ?? '') }))
  const next = rows.length > limit ? page.at(-1)?.place : undefined
  const paged: Paged<InboxLease & { readonly reason: string }> = {
    data,
    ...(next !== undefined && { next: String(next) }),
  }
  return paged
}

/** {@link Inbox.retry}. */
export async function retryDead(db: Database, keys: readonly string[]): Promise<number> {
  const [row] = await db.run<{ n: Count }>(RETRY_DEAD, [arrayOf(keys.map(encodeText))])
  return Number(row?.n)
}
