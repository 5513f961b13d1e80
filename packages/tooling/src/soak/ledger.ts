/** One request, as its receiver saw it. */
interface Reception {
  readonly at: number
  /** The process that made it. */
  readonly by: string
}

/** An attempt as the storage has it on record. */
export interface Recorded {
  readonly error?: string
}

/** Something that was received again. */
export interface Duplicate {
  readonly path: string
  readonly message: string
  readonly receptions: readonly Reception[]
}

/** Why something came again. */
export type Reason = 'killed' | 'away' | 'failed' | 'lease over' | 'none'

/**
 * What a receiver has seen and what was done to those who deliver, in the order in which it happened. So that of every
 * request that came twice it can be told why.
 */
export function createLedger() {
  const received = new Map<string, Reception[]>()
  const killed = new Map<string, number>()
  const outages: { from: number; to: number }[] = []
  let now = 0

  /** What became of the storage between two requests. */
  const wasOut = (from: number, to: number) => outages.some((outage) => outage.from < to && outage.to > from)

  return {
    receives(path: string, message: string, by: string): void {
      const key = `${path} ${message}`
      const all = received.get(key) ?? []
      received.set(key, all)
      all.push({ at: now++, by })
    },
    kills(process: string): void {
      killed.set(process, now++)
    },
    /** The storage is away until the function that is given back is called. */
    loses(): () => void {
      const outage = { from: now++, to: Number.POSITIVE_INFINITY }
      outages.push(outage)
      return () => {
        outage.to = now++
      }
    },
    get size(): number {
      return received.size
    },
    has: (path: string, message: string): boolean => received.has(`${path} ${message}`),
    keys: (): string[] => [...received.keys()],
    duplicates: (): Duplicate[] =>
      [...received]
        .filter(([, receptions]) => receptions.length > 1)
        .map(([key, receptions]) => {
          const [path, message] = key.split(' ') as [string, string]
          return { path, message, receptions }
        }),
    /**
     * Why it was repeated, for each time: who made the request before was killed, or could not settle it because the
     * storage was away; or that one has failed, or its lease has ended, on record. `none`: for no reason that is seen.
     */
    reasons({ receptions }: Duplicate, record: readonly Recorded[]): Reason[] {
      let lost = record.filter(({ error }) => error === 'lost').length
      let failed = record.filter(({ error }) => error !== undefined).length - lost
      return receptions.slice(1).map(({ at }, i) => {
        const before = receptions[i] as Reception
        const end = killed.get(before.by)
        if (end !== undefined && end < at) return 'killed'
        if (wasOut(before.at, at)) return 'away'
        if (failed-- > 0) return 'failed'
        return lost-- > 0 ? 'lease over' : 'none'
      })
    },
  }
}
