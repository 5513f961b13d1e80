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
import { inboxLeaseOf, type RequestRow } from './inbox-rows.ts'
import { decodeText, encodeText } from './rows.ts'
import type { Session } from './session.ts'
import {
  DEAD,
  DUE,
  LEASE,
  NEXT_DUE,
  RELEASE,
  RETRY_DEAD,
  SETTLE_COMPLETED,
  SETTLE_DEAD,
  SETTLE_RETRY,
} from './sql/inbox.ts'
import { after, type Epoch } from './time.ts'

/** {@link Inbox.claim}, under the token that it gives out. */
export function claim(db: Session, now: Epoch, options: ClaimOptions & OfReceiver, token: string): InboxLease[] {
  const { receiver, limit, leaseMs, worker } = options
  const due = db.all<RequestRow>(DUE, encodeText(receiver), now, limit)
  const endsAt = after(now, leaseMs)
  if (due.length > 0) db.run(LEASE, token, endsAt, encodeText(worker), JSON.stringify(due.map(({ seq }) => seq)))
  return due.map((row) => inboxLeaseOf({ ...row, token, claims: row.claims + 1 }, endsAt - now))
}

/** {@link Inbox.settle}. */
export function settle(db: Session, now: Epoch, settlements: readonly (LeaseRef & InboxOutcome)[]): Applied[] {
  return settlements.map((settlement) => (settleOne(db, now, settlement) > 0 ? 'applied' : 'stale'))
}

function settleOne(db: Session, now: Epoch, settlement: LeaseRef & InboxOutcome): number {
  const key = encodeText(settlement.key)
  switch (settlement.result) {
    case 'completed':
      return db.run(SETTLE_COMPLETED, now, now, key, now)
    case 'retry':
      return db.run(SETTLE_RETRY, after(now, settlement.retryInMs), key, settlement.token)
    case 'dead':
      return db.run(SETTLE_DEAD, now, encodeText(settlement.reason), key, settlement.token)
  }
}

/** {@link Inbox.release}. */
export function release(db: Session, now: Epoch, leases: readonly LeaseRef[]): void {
  for (const { key, token } of leases) db.run(RELEASE, now, encodeText(key), token)
}

/** {@link Inbox.nextDueInMs}. */
export function nextDueInMs(db: Session, now: Epoch, { receiver }: OfReceiver): Ms | null {
  const dueAt = db.get<{ due_at: Epoch | null }>(NEXT_DUE, encodeText(receiver))?.due_at ?? null
  return dueAt === null ? null : Math.max(0, dueAt - now)
}

/** {@link Inbox.dead}. */
export function listDead(db: Session, now: Epoch, { receiver, cursor = '0', limit }: Page & OfReceiver) {
  const rows = db.all<RequestRow>(DEAD, encodeText(receiver), Number(cursor), now, limit + 1)
  const page = rows.slice(0, limit)
  const data = page.map((row) => ({ ...inboxLeaseOf(row, 0), reason: decodeText(row.reason ?? '') }))
  const next = rows.length > limit ? page.at(-1)?.seq : undefined
  const paged: Paged<InboxLease & { readonly reason: string }> = {
    data,
    ...(next !== undefined && { next: `${next}` }),
  }
  return paged
}

/** {@link Inbox.retry}. */
export function retryDead(db: Session, now: Epoch, keys: readonly string[]): number {
  return keys.reduce((count, key) => count + db.run(RETRY_DEAD, now, encodeText(key), now), 0)
}
