import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { standardWebhooks } from '@hooks/core'
import { type PostgresInbox, postgresInbox } from '@hooks/postgres'
import { createReceiver } from '@hooks/receiver'
import { signRequest } from '@hooks/receiver/testing'
import { findPostgres } from 'tooling/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'

const postgres = await findPostgres()
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

/** What the generated client has of its own, by structure: it is made when the lane runs. */
interface Words {
  $queryRawUnsafe<T>(text: string, ...values: unknown[]): Promise<T>
  readonly effect: { create(row: object): Promise<unknown>; count(): Promise<number> }
}
interface Client extends Words {
  $transaction(run: (tx: Words) => Promise<void>): Promise<void>
  $disconnect(): Promise<void>
}

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

describe.skipIf(!postgres)('a receiver in a transaction of Prisma, its generated client on PostgreSQL,', () => {
  let folder: string
  let place: Awaited<ReturnType<NonNullable<typeof postgres>['database']>>
  let prisma: Client
  let inbox: PostgresInbox

  beforeAll(async () => {
    const version = '7.10.0'
    folder = newProject('prisma', [], { prisma: version, '@prisma/client': version, '@prisma/adapter-pg': version })
    writeFiles(folder, [
      ['prisma/schema.prisma', SCHEMA],
      ['prisma.config.ts', CONFIG],
    ])
    // What migrates schemas is a program to be fetched from elsewhere, and nothing here needs it.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath }
    execFileSync(join(folder, 'node_modules/.bin/prisma'), ['generate'], { cwd: folder, stdio: 'pipe', env })
    const { PrismaClient } = await import(/* @vite-ignore */ join(folder, 'generated/client.ts'))
    const { PrismaPg } = createRequire(join(folder, 'package.json'))('@prisma/adapter-pg')
    place = await (postgres as NonNullable<typeof postgres>).database()
    prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: place.url }) })
    inbox = postgresInbox(prisma)
    await inbox.schema.migrate()
    await prisma.$queryRawUnsafe('create table "Effect" (id serial primary key, name text not null)')
  })
  afterAll(async () => {
    await prisma?.$disconnect()
    await place?.drop()
    rmSync(folder, { recursive: true, force: true })
  })

  const make = (works: () => void) =>
    createReceiver({
      secret,
      idempotency: inbox,
      transaction: (run: (tx: Words) => Promise<void>) => prisma.$transaction(run),
    }).on('tick', async ({ id = '' }, { tx }) => {
      await tx.effect.create({ data: { name: id } })
      works()
    })
  const sign = (id: string) => signRequest(standardWebhooks(), secret, { type: 'tick', id })

  it('has the effect and the completion together, or neither', async () => {
    let fails = true
    const receiver = make(() => {
      if (fails) throw new Error('not yet')
    })
    const before = await prisma.effect.count()
    const sent = await sign('msg_1')
    const outcomes = [(await receiver.handle(sent)).outcome]
    expect(await prisma.effect.count()).toBe(before)
    fails = false
    for (let i = 0; i < 2; i++) outcomes.push((await receiver.handle(sent)).outcome)
    expect(outcomes).toEqual(['handler_failed', 'handled', 'duplicate'])
    expect(await prisma.effect.count()).toBe(before + 1)
  })

  it('has the effect once, whatever comes twenty times at once', async () => {
    const before = await prisma.effect.count()
    const receiver = make(() => {})
    const sent = await sign('msg_2')
    const answers = await Promise.all(Array.from({ length: 20 }, () => receiver.handle(sent)))
    expect(answers.filter(({ outcome }) => outcome === 'handled').length).toBe(1)
    for (const { outcome } of answers) expect(['handled', 'duplicate', 'in_progress']).toContain(outcome)
    expect(await prisma.effect.count()).toBe(before + 1)
  })

  it('accepts in a transaction of the host, and gives back the bytes', async () => {
    const bytes = new Uint8Array([0, 1, 255])
    const request = {
      method: 'POST',
      url: '/x',
      headers: [['a', 'b']] as const,
      body: bytes,
      keyId: '0',
      receivedAt: new Date(0),
    }
    const accept = (fails: boolean) =>
      prisma.$transaction(async (tx) => {
        expect(await inbox.accept({ key: 'k', request }, { keepMs: 60_000, tx })).toBe('accepted')
        if (fails) throw new Error('rolled back')
      })
    await expect(accept(true)).rejects.toThrow('rolled back')
    await accept(false)
    const [lease] = await inbox.claim({ worker: 'w', limit: 5, leaseMs: 1_000 })
    expect(lease?.request.headers).toEqual([['a', 'b']])
    expect(Buffer.from(lease?.request.body ?? [])).toEqual(Buffer.from(bytes))
  })
})
