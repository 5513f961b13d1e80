import { PGlite } from '@electric-sql/pglite'
import { silentLogger } from '@hooks/core'
import { postgresStorage, type QueryFunction } from '@hooks/postgres'
import type { SimulationOptions } from '@hooks/sender/testing'

/** One for the process: to boot another for each seed would take longer than to play it. */
let booted: Promise<PGlite> | undefined

async function boot(): Promise<PGlite> {
  const db = await PGlite.create()
  await postgresStorage(db).schema.migrate()
  return db
}

/** As a new database has it. */
async function empty(db: PGlite): Promise<void> {
  const { rows } = await db.query<{ name: string }>(
    `select format('hooks.%I', relname) as name from pg_class
    where relnamespace = 'hooks'::regnamespace and relkind in ('r', 'p') and not relispartition and relname <> 'meta'`,
  )
  for (const { name } of rows) await db.query(`delete from ${name}`)
  await db.query('alter sequence hooks.ordering restart')
}

/**
 * A PostgreSQL in this process, for the simulation. It answers within the turn of the event loop in which it is asked, so the
 * virtual clock does not run ahead of it, and its own clock is the virtual one: the storage asks the database for the time
 * in every statement, and the statements come by here. It is one connection, so statements never run beside each other: what
 * locks are for is left to real servers.
 */
export const pgliteDatabase: SimulationOptions['database'] = async ({ clock, random }) => {
  booted ??= boot()
  const db = await booted
  await empty(db)
  const query: QueryFunction = (text, parameters) => {
    const now = `'${clock.now().toISOString()}'::timestamptz`
    return db.query(text.replaceAll(/(?:statement|clock)_timestamp\(\)/g, now), parameters)
  }
  const open: ReturnType<typeof postgresStorage>[] = []
  return {
    connect() {
      const storage = postgresStorage(query, { clock, random, logger: silentLogger })
      open.push(storage)
      return storage as never
    },
    async close() {
      for (const storage of open) await storage.close()
    },
  }
}
