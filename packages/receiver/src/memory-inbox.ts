import {
  type Applied,
  type Clock,
  ConfigurationError,
  type Inbox,
  type InboxLease,
  type InboxOutcome,
  type Lease,
  type LeaseRef,
  type Ms,
  StorageError,
  type StoredRequest,
  systemClock,
} from '@hooks/core'
import { createDueOrder, type DueOrder } from './due-order.ts'

/** Options of {@link memoryInbox}. */
export interface MemoryInboxOptions {
  /** The machine's by default. */
  readonly clock?: Clock
  /** The most rows that are kept, keys and requests together: 100,000 by default. */
  readonly max?: number
}

interface Row {
  readonly key: string
  /** `begun` by a foreground handler, or `free` of one again; `accepted` until it is `done` or `dead`. */
  readonly state: 'begun' | 'free' | 'accepted' | 'done' | 'dead'
  /** Empty where nobody holds it. */
  readonly token: string
  /** The end of the lease or of the retention; of what waits, when it is due. Monotonic, as all times here. */
  readonly until: Ms
  readonly attempt: number
  readonly claims: number
  /** In the order of accepting; of the dead, in that of dying. */
  readonly seq: number
  readonly doneAt?: Ms
  readonly accepted?: { readonly request: StoredRequest; readonly keepMs: Ms }
  readonly reason?: string
}

const NEW = { attempt: 1, claims: 0 }

/** Of a row that holds a request. */
const receiverOf = ({ accepted }: Row) => (accepted as NonNullable<Row['accepted']>).request.receiver

/**
 * An inbox in this process, for tests and for trying things out: a restart loses what was accepted, so it is no place
 * for requests that were answered with 202.
 *
 * Where `max` is reached, keys whose time is over go first, then those done longest ago. If that makes no room, a new
 * key is told to come again, and a new request is refused with `storage_full`.
 */
export function memoryInbox({ clock = systemClock, max = 1e5 }: MemoryInboxOptions = {}): Inbox {
  // In the order of the last change.
  const rows = new Map<string, Row>()
  /** By receiver. */
  const dues = new Map<string, DueOrder<Row>>()
  let last = 0
  const next = () => ++last
  const now = () => clock.monotonic()

  function dueOf(receiver: string): DueOrder<Row> {
    const due = dues.get(receiver) ?? createDueOrder<Row>()
    dues.set(receiver, due)
    return due
  }
  function drop(key: string): void {
    const row = rows.get(key)
    if (row?.state === 'accepted') dueOf(receiverOf(row)).remove(row)
    rows.delete(key)
  }
  function put(row: Row): void {
    drop(row.key)
    rows.set(row.key, row)
    if (row.state === 'accepted') dueOf(receiverOf(row)).add(row)
  }
  /** The row of a key that is not forgotten. What is accepted never is. */
  function find(key: string): Row | undefined {
    const row = rows.get(key)
    const isOver = row && row.state !== 'accepted' && row.until <= now()
    return isOver && (row.state === 'done' || row.state === 'dead') ? undefined : row
  }

  function prune(limit: number): { more: boolean } {
    let left = limit
    for (const [key, { state, until }] of rows) {
      if (state !== 'accepted' && until <= now() && left-- > 0) rows.delete(key)
    }
    return { more: left < 0 }
  }
  function hasRoom(key: string): boolean {
    if (rows.size < max || rows.has(key)) return true
    prune(max)
    for (const [old, { state }] of rows) {
      if (rows.size < max * (63 / 64)) break
      if (state === 'done') rows.delete(old)
    }
    return rows.size < max
  }

  /** Changes what a foreground handler holds, its lease over or not, as long as nobody else took it. */
  function change({ key, token }: LeaseRef, to: (row: Row) => Partial<Row>, evenDone = false): Applied {
    const row = find(key)
    const isHeld = row && token !== '' && row.token === token && !row.accepted
    if (!isHeld || !(row.state === 'begun' || (evenDone && row.state === 'done'))) return 'stale'
    put({ ...row, ...to(row) })
    return 'applied'
  }

  function settleOne({ key, token, ...outcome }: LeaseRef & InboxOutcome): Applied {
    const row = find(key)
    if (!row?.accepted || row.state === 'done') return 'stale'
    const { keepMs } = row.accepted
    if (outcome.result === 'completed') {
      const { accepted: _dropped, reason: _gone, ...rest } = row
      put({ ...rest, state: 'done', token: '', doneAt: now(), until: now() + keepMs })
      return 'applied'
    }
    if (row.state !== 'accepted' || token === '' || row.token !== token) return 'stale'
    if (outcome.result === 'dead') {
      put({ ...row, state: 'dead', token: '', until: now() + keepMs, reason: outcome.reason, seq: next() })
    } else {
      const { attempt } = row
      put({ ...row, token: '', until: now() + Math.max(0, outcome.retryInMs), attempt: attempt + 1, claims: 0 })
    }
    return 'applied'
  }

  const leaseOf = ({ key, token, attempt, claims }: Row, leaseLeftMs: Ms): Lease => ({
    key,
    token,
    attempt,
    claims,
    leaseLeftMs,
  })
  const inboxLeaseOf = (row: Row, leaseLeftMs: Ms): InboxLease => ({
    ...leaseOf(row, leaseLeftMs),
    request: (row.accepted as NonNullable<Row['accepted']>).request,
  })

  return {
    facts: { clock: 'injected', processes: 'one', tx: 'none', inbox: true },

    begin(key, { leaseMs, tx }) {
      refuseTx(tx)
      const known = find(key)
      const left = known ? known.until - now() : 0
      if (known?.state === 'done' || known?.state === 'dead') return { state: 'completed' }
      if (known?.state === 'accepted' || left > 0) return { state: 'in_progress', retryInMs: Math.max(0, left) }
      if (!hasRoom(key)) return { state: 'in_progress', retryInMs: leaseMs }
      const { attempt, claims } = known ?? NEW
      const seq = next()
      const row: Row = {
        key,
        state: 'begun',
        token: `${seq}`,
        until: now() + leaseMs,
        attempt,
        claims: claims + 1,
        seq,
      }
      put(row)
      return { state: 'claimed', lease: leaseOf(row, leaseMs) }
    },
    complete(lease, { keepMs, tx }) {
      refuseTx(tx)
      return change(lease, () => ({ state: 'done', doneAt: now(), until: now() + keepMs }), true)
    },
    abandon: (lease) =>
      change(lease, ({ attempt }) => ({ state: 'free', token: '', until: now(), attempt: attempt + 1, claims: 0 })),
    extend: (lease, leaseMs) => change(lease, () => ({ until: now() + leaseMs })),
    completedWithin(key, withinMs) {
      const row = find(key)
      return row?.state === 'done' && (row.doneAt as Ms) > now() - withinMs
    },
    prune,

    accept({ key, request }, { keepMs, tx }) {
      refuseTx(tx)
      const known = find(key)
      if (known?.state === 'begun' && known.until > now()) return 'in_progress'
      if (known && known.state !== 'begun' && known.state !== 'free') return 'duplicate'
      if (!hasRoom(key)) throw full(max)
      put({ key, state: 'accepted', token: '', until: now(), ...NEW, seq: next(), accepted: { request, keepMs } })
      return 'accepted'
    },
    async claim({ receiver, limit, leaseMs }) {
      const due = dueOf(receiver)
      const leases: InboxLease[] = []
      while (leases.length < limit) {
        const row = due.first()
        if (!row || row.until > now()) break
        const taken: Row = { ...row, token: `${next()}`, until: now() + leaseMs, claims: row.claims + 1 }
        put(taken)
        leases.push(inboxLeaseOf(taken, leaseMs))
      }
      return leases
    },
    settle: async (settlements) => settlements.map(settleOne),
    async release(leases) {
      for (const { key, token } of leases) {
        const row = rows.get(key)
        if (row?.state !== 'accepted' || token === '' || row.token !== token) continue
        put({ ...row, token: '', until: now(), claims: row.claims - 1 })
      }
    },
    async nextDueInMs({ receiver }) {
      const row = dueOf(receiver).first()
      return row ? Math.max(0, row.until - now()) : null
    },
    async dead({ receiver, cursor = '0', limit }) {
      const found = [...rows.values()]
        .filter((row) => row.state === 'dead' && row.until > now() && row.seq > Number(cursor))
        .filter((row) => receiverOf(row) === receiver)
        .sort((a, b) => a.seq - b.seq)
      const data = found.slice(0, limit).map((row) => ({ ...inboxLeaseOf(row, 0), reason: row.reason as string }))
      const after = found.length > limit ? found[limit - 1]?.seq : undefined
      return { data, ...(after !== undefined && { next: `${after}` }) }
    },
    async retry(keys) {
      const dead = keys.map(find).filter((row) => row?.state === 'dead') as Row[]
      const unique = new Map(dead.map((row) => [row.key, row]))
      for (const { reason: _gone, ...row } of unique.values()) {
        put({ ...row, state: 'accepted', token: '', until: now(), ...NEW, seq: next() })
      }
      return unique.size
    },
    async close() {},
  }
}

function refuseTx(tx: unknown): void {
  if (tx === undefined) return
  throw new ConfigurationError('tx_unsupported', 'an inbox in memory is part of no transaction', {
    hint: 'use sqliteInbox or postgresInbox for it',
  })
}

const full = (max: number) =>
  new StorageError('storage_full', `the inbox in memory holds ${max} rows, and none of them may go`, {
    hint: 'start the worker that handles them, or use an inbox in a database',
  })
