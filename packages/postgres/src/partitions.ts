import type { Clock, Logger, Ms } from '@hooks/core'
import type { Database } from './database.ts'
import type { Numeric } from './rows.ts'
import { dropWeek, FEWEST_WEEKS, MAKE_PARTITIONS, OLD_WEEKS, READ_PARTITIONS } from './sql/schema.ts'
import { weekAt } from './week.ts'

/** What is known of the partitions. */
export interface Partitions {
  /** For how many weeks to come there are some. */
  readonly ahead: number
  /** Whether this role may make and drop them. */
  readonly may: boolean
  /** The time of the database. */
  readonly now: Ms
}

/** Waits for whoever reads or writes just now, but not so long that others queue behind. */
const quickly = (statement: string): string =>
  statement.replace('\nbegin\n', "\nbegin\n  perform set_config('lock_timeout', '2s', true);\n")

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

  /** What can wait, and is tried again with the next call. */
  async function attempt(statement: string): Promise<void> {
    try {
      await db.run(quickly(statement))
    } catch (error) {
      logger.debug({ error }, 'hooks: partitions are left as they are for now')
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
      const now = clock.monotonic()
      if (lookedAt === undefined || now >= lookedAt + EVERY_MS) {
        lookedAt = now
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

    /** Drops whole weeks that are older than both times, payloads by the one and all else by the other. */
    async drop(payloadsBefore: Ms | undefined, historyBefore: Ms | undefined): Promise<void> {
      const before = Math.max(payloadsBefore ?? 0, historyBefore ?? 0)
      const last = weekAt(before) - GRACE_WEEKS
      const weeks = await db.run<{ week: Numeric; payload: Numeric; history: Numeric }>(OLD_WEEKS, [
        String(last),
        String(payloadsBefore ?? 0),
        String(historyBefore ?? 0),
      ])
      for (const { week, payload, history } of weeks) {
        const isOver = (time: Ms | undefined) => time !== undefined && Number(week) <= weekAt(time) - GRACE_WEEKS
        if (isOver(payloadsBefore) && Number(payload) === 0) await attempt(dropWeek(Number(week), ['payload']))
        if (isOver(historyBefore) && isOver(payloadsBefore ?? historyBefore) && Number(history) === 0)
          await attempt(dropWeek(Number(week), ['attempt', 'ended', 'payload', 'message']))
      }
    },
  }
}

/** {@link createUpkeep}. */
export type Upkeep = ReturnType<typeof createUpkeep>
