import type { Clock, Ms } from '@hooks/core'
import { sqlState } from './failures.ts'

/** Which statements go under a name, by which a connection keeps them planned. */
export interface Prepared {
  /** The name that a run of `text` has; undefined where it is planned anew. */
  nameOf(text: string): string | undefined
  /** How many pages the table has that the statements search. */
  sized(pages: number): void
  /** What a run took that had a name. */
  took(text: string, ms: Ms): void
  /** Whether it was the name that `error` complains of. Then there are no names any more, and nothing was run. */
  refused(error: unknown): boolean
}

/**
 * A connection keeps the plan that it made first. One for an empty table walks through all of it, which is fast then, and
 * would be very slow a minute later. From so many pages on, every plan searches an index, and is right for any size.
 */
const LARGE_PAGES = 64
/**
 * From here on, planning is no part to speak of, and the plan may be one for other tables than there are: it is
 * made anew, by their size as it is, until they have been analyzed, which renews what connections keep.
 */
const SLOW_MS: Ms = 100
/** As often as that, autovacuum looks which tables to analyze; twice. */
const PLANNED_FOR_MS: Ms = 120_000
/** No such statement on this connection, or it is there already: a pooler gives transactions other connections. */
const REFUSALS = new Set(['26000', '42P05'])

/** Names for the statements that run all the time, as long as the server knows them. */
export function createPrepared(clock: Clock, enabled: boolean): Prepared {
  const names = new Map<string, string>()
  const plannedUntil = new Map<string, Ms>()
  let isOn = enabled
  let isLarge = false
  return {
    nameOf(text) {
      if (!isOn || !isLarge || clock.monotonic() < (plannedUntil.get(text) ?? Number.NEGATIVE_INFINITY))
        return undefined
      let name = names.get(text)
      if (name === undefined) {
        // Of its text: versions of this package, and schemas, share the connections of a pool.
        name = `hooks_${digest(text, 0x811c9dc5)}${digest(text, 0x9747b28c)}`
        names.set(text, name)
      }
      return name
    },
    sized(pages) {
      isLarge = pages >= LARGE_PAGES
    },
    took(text, ms) {
      if (ms >= SLOW_MS) plannedUntil.set(text, clock.monotonic() + PLANNED_FOR_MS)
    },
    refused(error) {
      if (!isOn || !REFUSALS.has(sqlState(error) ?? '')) return false
      isOn = false
      return true
    },
  }
}

/** FNV-1a, 32 bits, from a basis of one's own. */
function digest(text: string, basis: number): string {
  let hash = basis
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
