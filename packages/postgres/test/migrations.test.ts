import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@hooks/core'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as migrateDrizzle } from 'drizzle-orm/node-postgres/migrator'
import knexFactory from 'knex'
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { postgresInbox, postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { byHand, hotPath } from './tour.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function database() {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  closing.push(drop)
  const pool = new pg.Pool({ connectionString: url })
  closing.push(() => pool.end())
  return { url, pool }
}

/** What the two parts print, as the README has it. */
const printed = (pool: pg.Pool): string[] =>
  [postgresStorage(pool), postgresInbox(pool)].flatMap(({ schema }) => schema.migrations().flatMap(({ sql }) => sql))

/** How a user of each library has their own migrations run what is printed. */
const runs: Readonly<Record<string, (url: string, pool: pg.Pool, statements: readonly string[]) => Promise<void>>> = {
  async Knex(url, _pool, statements) {
    const knex = knexFactory({ client: 'pg', connection: url })
    closing.push(() => knex.destroy())
    await knex.migrate.latest({
      migrationSource: {
        getMigrations: async () => ['hooks'],
        getMigrationName: (name: string) => name,
        getMigration: async () => ({
          async up(tx) {
            for (const statement of statements) await tx.raw(statement)
          },
          async down() {},
        }),
      },
    })
  },
  async Kysely(url, _pool, statements) {
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
    })
    closing.push(() => db.destroy())
    const hooks = {
      async up(tx: Kysely<unknown>) {
        for (const statement of statements) await sql.raw(statement).execute(tx)
      },
    }
    const { error } = await new Migrator({
      db,
      provider: { getMigrations: async () => ({ hooks }) },
    }).migrateToLatest()
    if (error) throw error
  },
  async Drizzle(_url, pool, statements) {
    const folder = mkdtempSync(join(tmpdir(), 'hooks-drizzle-'))
    closing.push(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'meta'))
    writeFileSync(join(folder, '0000_hooks.sql'), statements.join(';\n--> statement-breakpoint\n'))
    const entry = { idx: 0, version: '7', when: 1, tag: '0000_hooks', breakpoints: true }
    writeFileSync(
      join(folder, 'meta/_journal.json'),
      JSON.stringify({ version: '7', dialect: 'postgresql', entries: [entry] }),
    )
    await migrateDrizzle(drizzle(pool), { migrationsFolder: folder })
  },
  // Its program sends the whole file at once, and PostgreSQL runs it as one transaction.
  async Prisma(_url, pool, statements) {
    await pool.query(statements.join(';\n'))
  },
}

describe.skipIf(!server)('the printed statements', { timeout: 120_000 }, () => {
  it.each(Object.entries(runs))('make the tables in a migration of %s', async (_, run) => {
    const { url, pool } = await database()
    const storage = postgresStorage(pool)
    await run(url, pool, printed(pool))
    const { version, expected } = await storage.schema.check()
    expect(version).toBe(expected)
    await hotPath(storage)
    await byHand(storage)
    const lease = await postgresInbox(pool).begin('k', { leaseMs: 1_000 })
    expect(lease.state).toBe('claimed')
  })

  it('are said in the README for each of them', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    for (const name of Object.keys(runs)) expect(readme).toMatch(new RegExp(`// ${name}\\b`))
  })
})

describe.skipIf(!server)('a role that may make nothing', { timeout: 120_000 }, () => {
  it('does all that there is to do at run time with the grants of the README, and is refused what needs more', async () => {
    const { url, pool } = await database()
    await postgresStorage(pool).schema.migrate()
    const role = `hooks_runs_${process.pid}`
    await pool.query(`create role ${role}`)
    closing.push(async () => {
      await pool.query(`drop owned by ${role}`)
      await pool.query(`drop role ${role}`)
    })
    await pool.query(`
      grant usage on schema hooks to ${role};
      grant select, insert, update, delete on all tables in schema hooks to ${role};
      grant usage on all sequences in schema hooks to ${role}`)
    const limited = new pg.Pool({ connectionString: url, options: `-c role=${role}` })
    closing.push(() => limited.end())
    const storage = postgresStorage(limited, { logger: silentLogger })
    await hotPath(storage)
    await byHand(storage)
    await storage.history.prune({ historyBefore: new Date(), payloadsBefore: new Date() }, 100)
    // What is there already needs no right to make it.
    const { version, expected } = await storage.schema.check()
    expect(version).toBe(expected)
    const elsewhere = postgresStorage(limited, { schema: 'elsewhere', migrate: true, logger: silentLogger })
    await expect(elsewhere.depth()).rejects.toMatchObject({ code: 'storage_denied' })
    await expect(elsewhere.schema.migrate()).rejects.toMatchObject({
      code: 'storage_denied',
      hint: expect.stringContaining('storage.schema.migrations()'),
    })
  })
})

describe.skipIf(!server)('a role that owns a schema, and may make none', { timeout: 120_000 }, () => {
  it('makes the tables in the one that was made for it', async () => {
    const { url, pool } = await database()
    const role = `hooks_owns_${process.pid}`
    await pool.query(`create role ${role}`)
    closing.push(async () => {
      await pool.query(`drop owned by ${role}`)
      await pool.query(`drop role ${role}`)
    })
    await pool.query(`create schema hooks authorization ${role}; create schema own authorization ${role}`)
    const owner = new pg.Pool({ connectionString: url, options: `-c role=${role}` })
    closing.push(() => owner.end())
    await postgresStorage(owner).schema.migrate()
    await postgresInbox(owner).schema.migrate()
    await hotPath(postgresStorage(owner))
    const printed = postgresStorage(owner, { schema: 'own' })
    for (const { sql } of printed.schema.migrations()) for (const statement of sql) await owner.query(statement)
    await hotPath(printed)
  })
})
