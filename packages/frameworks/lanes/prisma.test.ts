import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type HooksError, silentLogger, standardWebhooks } from '@hooks/core'
import { type PostgresInbox, postgresInbox, postgresStorage } from '@hooks/postgres'
import { createReceiver } from '@hooks/receiver'
import { signRequest } from '@hooks/receiver/testing'
import { createSender, defineContract, defineEvents } from '@hooks/sender'
import { findPostgres } from 'tooling/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, deploy, newClients, type Words } from './prisma-project.ts'

const postgres = await findPostgres()
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const database = () => (postgres as NonNullable<typeof postgres>).database()

let clients: Awaited<ReturnType<typeof newClients>>
let place: Awaited<ReturnType<typeof database>>
let deployed: readonly [string, string]
const opened: Client[] = []

/** A client on the tables that Prisma has made of what we print. */
function open(connections: number, url = place.url): Client {
  const client = clients.open(url, connections)
  opened.push(client)
  return client
}

/** What a host writes into the file of a migration. */
function printed(): string {
  const nowhere = async () => []
  const parts = [postgresStorage(nowhere), postgresInbox(nowhere)]
  return parts.flatMap(({ schema }) => schema.migrations().flatMap(({ sql }) => sql)).join(';\n')
}

beforeAll(async () => {
  if (!postgres) return
  clients = await newClients()
  place = await database()
  deployed = deploy(place.url, {
    '20260101000000_hooks': printed(),
    '20260102000000_effect': 'create table "Effect" (id serial primary key, name text not null);',
  })
})
afterAll(async () => {
  await Promise.all(opened.map((client) => client.$disconnect()))
  await place?.drop()
  clients?.remove()
})

describe.skipIf(!postgres)('the migrations of Prisma', () => {
  it('make the tables of what is printed, once, beside its own', async () => {
    expect(deployed[0]).toContain('All migrations have been successfully applied')
    expect(deployed[1]).toContain('No pending migrations to apply')
    for (const { schema } of [postgresStorage(open(1)), postgresInbox(open(1))]) {
      const { version, expected } = await schema.check()
      expect(version).toBe(expected)
    }
  })
})

const contract = defineContract({ events: defineEvents({ tick: {} }) })

describe.skipIf(!postgres)('a sender in transactions of Prisma, which has one connection,', () => {
  let prisma: Client
  let outside: ReturnType<typeof postgresStorage>
  const statements: string[] = []
  const senderOn = (storage: typeof outside) => createSender({ contract, storage, dev: true, logger: silentLogger })
  let hooks: ReturnType<typeof senderOn>

  beforeAll(async () => {
    prisma = open(1)
    prisma.$on('query', ({ query }) => statements.push(query))
    const storage = postgresStorage(prisma)
    // As a host does at start: from then on it is known which database is its own.
    await storage.schema.check()
    hooks = senderOn(storage)
    outside = postgresStorage(open(1))
  })

  const ids = async () => (await outside.unexpanded(100)).map(({ id }) => id)

  it('makes both true when it commits, by one statement, and neither when it rolls back', async () => {
    const before = await prisma.effect.count()
    const book = (fails: boolean) =>
      prisma.$transaction(async (tx) => {
        await tx.effect.create({ data: { name: 'booking' } })
        statements.length = 0
        const { id } = await hooks.send('tick', {}, { tenant: 'acme', idempotencyKey: 'booking', tx })
        expect(statements).toEqual([expect.stringMatching(/^\s*(with|select)/)])
        expect(await ids()).toEqual([])
        if (fails) throw new Error('the host has changed its mind')
        return id
      })
    await expect(book(true)).rejects.toThrow('the host has changed its mind')
    expect([await ids(), await prisma.effect.count()]).toEqual([[], before])
    const id = await book(false)
    expect([await ids(), await prisma.effect.count()]).toEqual([[id], before + 1])
  })

  it('is refused with its code in one that has failed, and in one of another database', async () => {
    const codeOf = (call: Promise<unknown>) =>
      call.then(
        () => 'sent',
        (error: HooksError) => error.code,
      )
    const before = await ids()
    const failed = prisma.$transaction(async (tx) => {
      await tx.$queryRawUnsafe('select 1 / 0').catch(() => {})
      const code = await codeOf(hooks.send('tick', {}, { tenant: 'acme', tx }))
      throw new Error(code)
    })
    await expect(failed).rejects.toThrow('transaction_aborted')
    const elsewhere = await database()
    const other = clients.open(elsewhere.url, 1)
    await postgresStorage(other).schema.migrate()
    const code = await other.$transaction((tx) => codeOf(hooks.send('tick', {}, { tenant: 'acme', tx })))
    expect(code).toBe('tx_unsupported')
    expect(await ids()).toEqual(before)
    await other.$disconnect()
    await elsewhere.drop()
  })

  it('delivers by that connection what twenty of them have sent', async () => {
    const received: string[] = []
    const receiver = createServer((request, response) => {
      received.push(String(request.headers['webhook-id']))
      request.resume().on('end', () => response.writeHead(204).end())
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const { port } = receiver.address() as AddressInfo
    await hooks.endpoints.create('twenty', { url: `http://127.0.0.1:${port}/` })
    hooks.start()
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        prisma.$transaction(async (tx) => {
          await tx.effect.create({ data: { name: String(n) } })
          return (await hooks.send('tick', { n }, { tenant: 'twenty', tx })).id
        }),
      ),
    )
    hooks.wake()
    while ((await hooks.deliveries.stats('twenty')).delivered < sent.length)
      await new Promise((go) => setTimeout(go, 20))
    await hooks.stop()
    expect(received.sort()).toEqual(sent.sort())
    receiver.close()
  })
})

describe.skipIf(!postgres)('a receiver in transactions of Prisma', () => {
  let prisma: Client
  let inbox: PostgresInbox

  beforeAll(() => {
    prisma = open(10)
    inbox = postgresInbox(prisma)
  })

  const make = (works: () => void) =>
    createReceiver({
      secret,
      logger: silentLogger,
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
      receiver: 'billing',
      receivedAt: new Date(0),
    }
    const accept = (fails: boolean) =>
      prisma.$transaction(async (tx) => {
        expect(await inbox.accept({ key: 'k', request }, { keepMs: 60_000, tx })).toBe('accepted')
        if (fails) throw new Error('rolled back')
      })
    await expect(accept(true)).rejects.toThrow('rolled back')
    await accept(false)
    const [lease] = await inbox.claim({ receiver: 'billing', worker: 'w', limit: 5, leaseMs: 1_000 })
    expect(lease?.request.headers).toEqual([['a', 'b']])
    expect(Buffer.from(lease?.request.body ?? [])).toEqual(Buffer.from(bytes))
  })
})
