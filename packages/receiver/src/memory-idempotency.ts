import {
  type Applied,
  type Clock,
  type IdempotencyStore,
  type LeaseRef,
  type Ms,
  StorageError,
  systemClock,
} from '@hooks/core'

/** Options of {@link memoryIdempotency}. */
export interface MemoryIdempotencyOptions {
  /** The machine's by default. */
  readonly clock?: Clock
  /** The most keys that are remembered: 100,000 by default, some 20 MB. */
  readonly max?: number
}

interface Entry {
  /** Empty where nobody holds the key. */
  token: string
  /** The end of the lease or of the retention, monotonic. */
  until: Ms
  /** Monotonic; there once the work is done. */
  completedAt?: Ms
  attempt: number
  claims: number
}

/**
 * Remembers keys in this process: for a service of one process, and for tests. A restart forgets them, and a second
 * process has its own, so there a message that comes again is handled again.
 *
 * For a new key beyond `max` it drops those whose time is over, then those completed longest ago, a 64th at a time;
 * never a live lease. Full of live leases, `begin` throws `storage_full`.
 */
export function memoryIdempotency({ clock = systemClock, max = 1e5 }: MemoryIdempotencyOptions = {}): IdempotencyStore {
  // In the order of the last begin or complete.
  const entries = new Map<string, Entry>()
  let tokens = 0

  const now = () => clock.monotonic()
  /** Changes what is held under this token, its lease over or not, as long as nobody else took it. */
  const change = ({ key, token }: LeaseRef, mayBeDone: boolean, edit: (entry: Entry) => void): Applied => {
    const entry = entries.get(key)
    if (entry?.token !== token || (entry.completedAt !== undefined && !mayBeDone)) return 'stale'
    edit(entry)
    entries.delete(key)
    entries.set(key, entry)
    return 'applied'
  }
  const sweep = (limit: number) => {
    let left = limit
    for (const [key, { until }] of entries) if (until <= now() && left-- > 0) entries.delete(key)
    return { more: left < 0 }
  }
  const makeRoom = () => {
    if (entries.size < max) return
    sweep(max)
    for (const [key, { completedAt }] of entries) {
      if (entries.size < max - max / 64) return
      if (completedAt !== undefined) entries.delete(key)
    }
    if (entries.size >= max) throw new StorageError('storage_full', 'as many messages are under way as are remembered')
  }

  return {
    facts: { clock: 'injected', processes: 'one', tx: 'none' },
    begin(key, { leaseMs }) {
      const known = entries.get(key)
      const retryInMs = known ? known.until - now() : 0
      const done = known?.completedAt !== undefined
      if (retryInMs > 0) return done ? { state: 'completed' } : { state: 'in_progress', retryInMs }
      const { attempt, claims } = known && !done ? known : { attempt: 1, claims: 0 }
      const lease = { token: `${++tokens}`, attempt, claims: claims + 1 }
      if (!entries.delete(key)) makeRoom()
      entries.set(key, { ...lease, until: now() + leaseMs })
      return { state: 'claimed', lease: { ...lease, key, leaseLeftMs: leaseMs } }
    },
    complete: (lease, { keepMs }) =>
      change(lease, true, (entry) => {
        entry.completedAt = now()
        entry.until = now() + keepMs
      }),
    abandon: (lease) =>
      change(lease, false, (entry) => {
        entry.token = ''
        entry.until = now()
        entry.attempt++
        entry.claims = 0
      }),
    extend: (lease, leaseMs) =>
      change(lease, false, (entry) => {
        entry.until = now() + leaseMs
      }),
    completedWithin(key, withinMs) {
      const { until = 0, completedAt = -Infinity } = entries.get(key) ?? {}
      return until > now() && completedAt > now() - withinMs
    },
    prune: sweep,
    async close() {},
  }
}
