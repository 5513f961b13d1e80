import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'

/** What the generated client has of its own, by structure: it is made when the lane runs. */
export interface Words {
  $queryRawUnsafe<T>(text: string, ...values: unknown[]): Promise<T>
  readonly effect: { create(row: object): Promise<unknown>; count(): Promise<number> }
}

/** A client of the model `Effect`. */
export interface Client extends Words {
  $transaction<T>(run: (tx: Words) => Promise<T>): Promise<T>
  $on(event: 'query', listener: (query: { readonly query: string }) => void): void
  $disconnect(): Promise<void>
}

const VERSION = '7.10.0'

const SCHEMA = `
generator client {
  provider = "prisma-client"
  output   = "../generated"
}
datasource db {
  provider = "postgresql"
}
model Effect {
  id   Int    @id @default(autoincrement())
  name String
}
`
const CONFIG = `
import { defineConfig } from 'prisma/config'
export default defineConfig({ schema: 'prisma/schema.prisma' })
`

/** Where the commands of Prisma would look for programs that are to be fetched from elsewhere. Nothing here runs them. */
const ENV = {
  ...process.env,
  CHECKPOINT_DISABLE: '1',
  PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
  PRISMA_QUERY_ENGINE_LIBRARY: process.execPath,
}

const prisma = (folder: string, args: readonly string[], env = {}) =>
  execFileSync(join(folder, 'node_modules/.bin/prisma'), args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...ENV, ...env },
  })

/** A host's project with a generated client. */
export async function newClients(): Promise<{ open(url: string, connections: number): Client; remove(): void }> {
  const folder = newProject('prisma', [], {
    prisma: VERSION,
    '@prisma/client': VERSION,
    '@prisma/adapter-pg': VERSION,
  })
  writeFiles(folder, [
    ['prisma/schema.prisma', SCHEMA],
    ['prisma.config.ts', CONFIG],
  ])
  prisma(folder, ['generate'])
  const { PrismaClient } = await import(/* @vite-ignore */ join(folder, 'generated/client.ts'))
  const { PrismaPg } = createRequire(join(folder, 'package.json'))('@prisma/adapter-pg')
  return {
    open: (connectionString, max) =>
      new PrismaClient({
        adapter: new PrismaPg({ connectionString, max }),
        log: [{ emit: 'event', level: 'query' }],
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/**
 * Prisma 6 is the last whose schema engine is in its package, and no program to be fetched. It has its scripts run by an
 * adapter, of which the one for pg cuts them at every semicolon, those in a function too. As a program it has the server
 * run them as they are, and so it does here.
 */
const MIGRATING = `
import { PrismaPg } from '@prisma/adapter-pg'
import { defineConfig } from 'prisma/config'
class Whole extends PrismaPg {
  async connect() {
    const connection = await super.connect()
    connection.executeScript = async (script) => void (await connection.client.query(script))
    return connection
  }
}
export default defineConfig({
  schema: 'prisma/schema.prisma',
  experimental: { adapter: true },
  engine: 'js',
  adapter: async () => new Whole({ connectionString: process.env.DATABASE_URL }),
})
`
const DATASOURCE = `
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}
`

/** Runs `prisma migrate deploy` with these migrations, by name, and again. Returns what it said both times. */
export function deploy(url: string, migrations: Readonly<Record<string, string>>): readonly [string, string] {
  const folder = newProject('prisma-migrate', [], { prisma: '6.19.3', '@prisma/adapter-pg': VERSION })
  try {
    writeFiles(folder, [
      ['prisma/schema.prisma', DATASOURCE],
      ['prisma.config.ts', MIGRATING],
      ['prisma/migrations/migration_lock.toml', 'provider = "postgresql"\n'],
      ...Object.entries(migrations).map(([name, sql]) => [`prisma/migrations/${name}/migration.sql`, sql] as const),
    ])
    const run = () => prisma(folder, ['migrate', 'deploy'], { DATABASE_URL: url })
    return [run(), run()]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
