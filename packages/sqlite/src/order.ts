import type { Session } from './session.ts'
import { BEGIN_NEXT, FIRST_OF_CHAIN, LEAVE_CHAIN, LIMIT_WAIT } from './sql/order.ts'
import { after, type Epoch, FOREVER } from './time.ts'

/** What names a chain: the open deliveries of one endpoint and ordering key. */
export interface Chained {
  readonly endpoint_id: string
  readonly ordering_key: string | null
}

interface Waiting {
  readonly id: string
  readonly due_at: Epoch
  readonly ordering_wait_ms: number | null
}

/** Lets the first of each chain begin, and the next wait for no longer than it has to. Lanes are still to be refreshed. */
export function advanceAll(db: Session, now: Epoch, rows: Iterable<Chained>): void {
  const done = new Set<string>()
  for (const { endpoint_id: endpointId, ordering_key: key } of rows) {
    if (key === null || done.has(`${endpointId} ${key}`)) continue
    done.add(`${endpointId} ${key}`)
    advance(db, now, endpointId, key)
  }
}

function advance(db: Session, now: Epoch, endpointId: string, key: string): void {
  const waiting = () => db.get<Waiting>(FIRST_OF_CHAIN, endpointId, key, 1)
  let next = waiting()
  if (next && !db.get(FIRST_OF_CHAIN, endpointId, key, 0)) {
    db.run(BEGIN_NEXT, now, next.id)
    next = waiting()
  }
  if (next && next.due_at >= FOREVER && next.ordering_wait_ms !== null)
    db.run(LIMIT_WAIT, after(now, next.ordering_wait_ms), next.id)
}

/** A delivery that waited for as long as it had to is claimed: what it waited for has no place in the order any more. */
export function overtake(
  db: Session,
  now: Epoch,
  row: Chained & { readonly id: string; readonly due_at: Epoch },
): void {
  const { id, endpoint_id: endpointId, ordering_key: key } = row
  if (key === null) return
  db.run(LEAVE_CHAIN, endpointId, key, id)
  advance(db, now, endpointId, key)
}
