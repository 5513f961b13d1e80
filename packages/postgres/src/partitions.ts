import type { Clock, Logger, Ms } from '@hooks/core'
import type { Database } from './database.ts'
import type { Numeric } from './rows.ts'
import { dropWeek, FEWEST_WEEKS, MAKE_PARTITIONS, OLD_WEEKS, READ_PARTITIONS } from './sql/schema.ts'
import { NO_WEEK, weekAt } from './week.ts'

/** What is known of the partitions. */
export interface Partitions {
  /** For how many weeks to come there are some. */
  readonly ahead: number
  /** Whether this role may make and drop them. */
  readonly may: boolean
  /** The time of the database. */
  readonly now: Ms
}

/** Waits for whoever reads or writes just now, but not long: whatever comes meanwhile, claims among it, queues behind. */
const quickly = (statement: string): string =>
  statement.replace('\nbegin\n', "\nbegin\n  perform set_config('lock_timeout', '500ms', true);\n")

/** How often it is looked. */
const EVERY_MS: Ms = 3_600_000
/** Ids are made on machines whose clocks may differ, and a message is delivered for days: a week is old when it has been over for another. */
const GRACE_WEEKS = 2

/**
 * Makes partitions ahead, and drops those of weeks that nobody needs, where the role may. Where it may not, it warns while
 * there is still time: {@link FEWEST_WEEKS} weeks before they run out.
 */
export function createUpkeep(db: Database, clock: Clock, logger: Logger) {
  let lookedAt: Ms | undefined
  let leftAt: Ms | undefined

  const isRecent = (at: Ms | undefined) => at !== undefined && clock.monotonic() < at + EVERY_MS

  /** Whether it was done. What can wait is tried again later. */
  async function attempt(statement: string): Promise<boolean> {
    try {
      await db.run(quickly(statement))
      return true
    } catch (error) {
      logger.debug({ error }, 'hooks: partitions are left as they are for now')
      return false
    }
  }

  async function read(): Promise<Partitions & { readonly missing: number }> {
    const [row] = await db.run<{ ahead: Numeric; missing: Numeric; may: Numeric; now: Numeric }>(READ_PARTITIONS)
    const { ahead, missing, may, now } = row ?? {}
    return { ahead: Number(ahead), missing: Number(missing), may: Number(may) === 1, now: Number(now) }
  }

  return {
    /** Changes nothing. */
    read,

    async look(): Promise<Partitions> {
      const { missing, ...found } = await read()
      const { may, ahead } = found
      if (!isRecent(lookedAt)) {
        lookedAt = clock.monotonic()
        if (may && missing > 0) await attempt(MAKE_PARTITIONS)
        else if (ahead < FEWEST_WEEKS) {
          logger.warn(
            { weeksAhead: ahead },
            'hooks: partitions run out; run `await storage.schema.migrate()` with the role that owns the tables',
          )
        }
      }
      return found
    },

    /**
     * Drops weeks that are older, payloads by the one time and all else by the other. Each table by itself, so that none is
     * locked while another is waited for. Where somebody is in the way for long, such as a transaction of the host's or a
     * backup, the rest is left for an hour: each try holds up all others.
     */
    async drop(payloadsBefore: Ms | undefined, historyBefore: Ms | undefined): Promise<void> {
      if (isRecent(leftAt)) return
      const lastOf = (time: Ms | undefined) => String(time === undefined ? NO_WEEK : weekAt(time) - GRACE_WEEKS)
      type Row = Readonly<Record<'week' | 'payload' | 'history' | 'message', Numeric>>
      const weeks = await db.run<Row>(OLD_WEEKS, [
        lastOf(payloadsBefore),
        lastOf(historyBefore),
        String(payloadsBefore ?? 0),
        String(historyBefore ?? 0),
      ])
      for (const { week, payload, history, message } of weeks) {
        const parents = [
          ...(Number(payload) === 1 ? (['payload'] as const) : []),
          ...(Number(history) === 1 ? (['attempt', 'ended'] as const) : []),
          ...(Number(message) === 1 ? (['message'] as const) : []),
        ]
        for (const parent of parents) {
          if (await attempt(dropWeek(Number(week), parent))) continue
          leftAt = clock.monotonic()
          return
        }
      }
    },
  }
}

/** {@link createUpkeep}. */
export type Upkeep = ReturnType<typeof createUpkeep>
