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
  /** When the work was done, monotonic; until then, never. */
  readonly done: Ms
  readonly attempt: number
  readonly claims: number
}

const NEVER = -Infinity
/** A key that nobody knows. */
const NEW: Entry = { token: '', until: NEVER, done: NEVER, attempt: 1, claims: 0 }

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
  const isDone = ({ done }: Entry) => done > NEVER
  let tokens = 0

  const put = (key: string, entry: Entry) => {
    entries.delete(key)
    entries.set(key, entry)
  }
  /** Changes what is held under this token, its lease over or not, as long as nobody else took it. */
  const change = ({ key, token }: LeaseRef, to: (entry: Entry) => Partial<Entry>, evenDone = false): Applied => {
    const entry = entries.get(key)
    if (entry?.token !== token || (isDone(entry) && !evenDone)) return 'stale'
    put(key, { ...entry, ...to(entry) })
    return 'applied'
  }
  /** Forgets at most `left` of such entries, those that changed first. Whether there are more of them. */
  const forget = (left: number, such: (entry: Entry) => boolean): boolean => {
    for (const [key, entry] of entries) {
      if (!such(entry)) continue
      if (left-- <= 0) return true
      entries.delete(key)
    }
    return false
  }
  const prune = (limit: number) => ({ more: forget(limit, ({ until }) => until <= now()) })

  return {
    facts: { clock: 'injected', processes: 'one', tx: 'none' },
    begin(key, { leaseMs }) {
      const known = entries.get(key)
      const last = known ?? NEW
      const retryInMs = last.until - now()
      if (retryInMs > 0) return isDone(last) ? { state: 'completed' } : { state: 'in_progress', retryInMs }
      if (!known && entries.size >= max) {
        prune(max)
        forget(entries.size - max * (63 / 64), isDone)
        if (entries.size >= max) return { state: 'in_progress', retryInMs: leaseMs }
      }
      const { attempt, claims } = isDone(last) ? NEW : last
      const token = `${++tokens}`
      put(key, { token, attempt, claims: claims + 1, done: NEVER, until: now() + leaseMs })
      return { state: 'claimed', lease: { key, token, attempt, claims: claims + 1, leaseLeftMs: leaseMs } }
    },
    complete: (lease, { keepMs }) => change(lease, () => ({ done: now(), until: now() + keepMs }), true),
    abandon: (lease) => change(lease, ({ attempt }) => ({ token: '', until: NEVER, attempt: attempt + 1, claims: 0 })),
    extend: (lease, leaseMs) => change(lease, () => ({ until: now() + leaseMs })),
    completedWithin(key, withinMs) {
      const { until, done } = entries.get(key) ?? NEW
      return until > now() && done > now() - withinMs
    },
    prune,
    async close() {},
  }
}
