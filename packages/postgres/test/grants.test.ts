import { readFileSync } from 'node:fs'
import { type Inbox, type Storage, silentLogger } from '@hooks/core'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { type PostgresHandle, postgresInbox, postgresQueue, postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'
import { byHand, hotPath, id, newEndpoint, newMessage, send } from './tour.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [, printed = ''] = /```sql\n(grant [\s\S]*?)```/.exec(readme) ?? []

/** What neither tour comes to. */
async function theRest(storage: Storage): Promise<void> {
  const endpoint = newEndpoint()
  await storage.endpoints.create(endpoint, 1_000)
  const [delivery] = (await send(storage, [endpoint.id])) as [string]
  const { messageId } = (await storage.history.delivery('acme', delivery)) ?? { messageId: '' }
  const later = newEndpoint()
  await storage.endpoints.create(later, 1_000)
  expect(await storage.add([{ messageId, deliveries: [{ id: id('dlv_'), endpointId: later.id }] }])).toBe(1)
  await storage.history.undelivered({ tenant: 'acme', endpoint: later.id }, { limit: 10 })
  await storage.history.stats({ tenant: 'acme' })
  await storage.endpoints.list(null, { limit: 10, total: true })
  await storage.depth()
  await storage.schema.check()
  const job = { id: id('job_'), tenant: 'acme', kind: 'recover', params: {} }
  await storage.jobs.create(job)
  await storage.jobs.get('acme', job.id)
  await storage.jobs.list('acme', { limit: 10 })
  const [step] = await storage.jobs.claim({ worker: 'w', limit: 1, leaseMs: 60_000 })
  await storage.jobs.release(step ? [step] : [])
  const [again] = await storage.jobs.claim({ worker: 'w', limit: 1, leaseMs: 60_000 })
  await storage.jobs.settle(again ? [{ ...again, result: 'done', progress: {} }] : [])
  await storage.history.expunge({ tenant: 'acme', message: messageId }, 10)
  await storage.history.prune({ payloadsBefore: new Date(), historyBefore: new Date() }, 1_000)
  while ((await storage.history.expunge({ tenant: 'acme' }, 100)).more);
}

async function receive(inbox: Inbox<PostgresHandle>, tx: PostgresHandle): Promise<void> {
  const begun = await inbox.begin('k', { leaseMs: 60_000 })
  if (begun.state !== 'claimed') throw new Error(begun.state)
  expect(await inbox.extend(begun.lease, 60_000)).toBe('applied')
  expect(await inbox.complete(begun.lease, { keepMs: 60_000, tx })).toBe('applied')
  await inbox.completedWithin('k', 1_000)
  const other = await inbox.begin('o', { leaseMs: 60_000 })
  if (other.state === 'claimed') expect(await inbox.abandon(other.lease)).toBe('applied')
  const of = { receiver: 'r' }
  const request = {
    method: 'POST',
    url: '/',
    headers: [],
    body: new Uint8Array(),
    keyId: '0',
    receivedAt: new Date(),
    ...of,
  }
  expect(await inbox.accept({ key: 'a', request }, { keepMs: 60_000 })).toBe('accepted')
  await inbox.nextDueInMs(of)
  const claim = () => inbox.claim({ worker: 'w', limit: 1, leaseMs: 60_000, ...of })
  await inbox.release(await claim())
  const [lease] = await claim()
  if (lease) await inbox.settle([{ key: lease.key, token: lease.token, result: 'dead', reason: 'x' }])
  expect((await inbox.dead({ limit: 10, ...of })).data.length).toBe(1)
  expect(await inbox.retry(['a'])).toBe(1)
  await inbox.prune(10)
}

describe.skipIf(!server)('a role with the grants of the README and nothing else', () => {
  it('sends, delivers, receives, manages, replays, forgets and rings, where nothing is granted to everybody', {
    timeout: 60_000,
  }, async () => {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const owner = new pg.Pool({ connectionString: url })
    const role = `hooks_app_${process.pid}`
    await owner.query(`create role ${role}`)
    await owner.query('alter default privileges revoke execute on functions from public')
    await owner.query('revoke all on schema public from public')
    await postgresStorage(owner).schema.migrate()
    await postgresInbox(owner).schema.migrate()
    const app = new pg.Pool({ connectionString: url, options: `-c role=${role}` })
    const storage = postgresStorage(app, { logger: silentLogger })
    // As it is for a role to which nothing was granted.
    await expect(storage.put([newMessage()])).rejects.toMatchObject({ code: 'storage_denied' })
    await owner.query(printed.replaceAll(/\bapp\b/g, role))

    await hotPath(storage)
    await byHand(storage)
    await theRest(storage)
    const client = await app.connect()
    await client.query('begin')
    await storage.put([newMessage({ orderingKey: 'k' })], client)
    await receive(postgresInbox(app), client)
    await client.query('commit')
    client.release()
    const queue = postgresQueue({ database: app, listener: () => new pg.Client(url) })
    await queue.ring(0)
    await queue.close()

    await app.end()
    await owner.query(`drop owned by ${role}`)
    await owner.query(`drop role ${role}`)
    await owner.end()
    await drop()
  })
})
