import { type Applied, type Clock, type IdempotencyStore, type LeaseRef, type Ms, systemClock } from '@hooks/core'

/** Options of {@link memoryIdempotency}. */
export interface MemoryIdempotencyOptions {
  /** The machine's by default. */
  readonly clock?: Clock
  /** The most keys that are remembered: 100,000 by default, some 20 MB. */
  readonly max?: number
}

interface Entry {
  /** Empty where nobody holds the key. */
  readonly token: string
  /** The end of the lease or of the retention, monotonic. */
  readonly until: Ms
  /** When the work was done, monotonic; there once it is. */
  readonly done?: Ms
  readonly attempt: number
  readonly claims: number
}

/**
 * Remembers keys in this process: for a service of one process, and for tests. A restart forgets them, and a second
 * process has its own, so there a message that comes again is handled again.
 *
 * A new key beyond `max` drops those whose time is over, then those done longest ago, a 64th at a time; never a live
 * lease. Where all are live leases, the new one is told to come again.
 */
export function memoryIdempotency({ clock = systemClock, max = 1e5 }: MemoryIdempotencyOptions = {}): IdempotencyStore {
  // In the order of the last change.
  const entries = new Map<string, Entry>()
  const now = () => clock.monotonic()
  const put = (key: string, entry: Entry) => {
    entries.delete(key)
    entries.set(key, entry)
  }
  let tokens = 0

  /** Changes what is held under this token, its lease over or not, as long as nobody else took it. */
  const change = ({ key, token }: LeaseRef, to: (entry: Entry) => Partial<Entry>, evenDone = false): Applied => {
    const entry = entries.get(key)
    if (entry?.token !== token || (entry.done !== undefined && !evenDone)) return 'stale'
    put(key, { ...entry, ...to(entry) })
    return 'applied'
  }
  const prune = (limit: number) => {
    let left = limit
    for (const [key, { until }] of entries) if (until <= now() && left-- > 0) entries.delete(key)
    return { more: left < 0 }
  }
  const hasRoom = (key: string) => {
    if (entries.size < max || entries.has(key)) return true
    prune(max)
    for (const [old, { done }] of entries) {
      if (entries.size < max * (63 / 64)) break
      if (done !== undefined) entries.delete(old)
    }
    return entries.size < max
  }

  return {
    facts: { clock: 'injected', processes: 'one', tx: 'none' },
    begin(key, { leaseMs }) {
      const known = entries.get(key)
      const retryInMs = known ? known.until - now() : 0
      const done = known?.done !== undefined
      if (retryInMs > 0) return done ? { state: 'completed' } : { state: 'in_progress', retryInMs }
      if (!hasRoom(key)) return { state: 'in_progress', retryInMs: leaseMs }
      const { attempt, claims } = known && !done ? known : { attempt: 1, claims: 0 }
      const lease = { token: `${++tokens}`, attempt, claims: claims + 1 }
      put(key, { ...lease, until: now() + leaseMs })
      return { state: 'claimed', lease: { ...lease, key, leaseLeftMs: leaseMs } }
    },
    complete: (lease, { keepMs }) => change(lease, () => ({ done: now(), until: now() + keepMs }), true),
    abandon: (lease) => change(lease, ({ attempt }) => ({ token: '', until: now(), attempt: attempt + 1, claims: 0 })),
    extend: (lease, leaseMs) => change(lease, () => ({ until: now() + leaseMs })),
    completedWithin(key, withinMs) {
      const { until = 0, done = -Infinity } = entries.get(key) ?? {}
      return until > now() && done > now() - withinMs
    },
    prune,
    async close() {},
  }
}
