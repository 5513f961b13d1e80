import { randomUUID } from 'node:crypto'
import { silentLogger } from '@hooks/core'
import { nextReceiver } from '@hooks/nextjs'
import { findPostgres } from 'tooling/postgres'
import { findOwnRedis } from 'tooling/redis'
import { describe, expect, it, vi } from 'vitest'
import { bullEvents } from '../src/bull.ts'
import { openDatabase } from '../src/database.ts'
import { createCustomer } from '../src/receiver.ts'
import { EVENT, SECRET, signatureOf, TENANT } from './stage.ts'

const redis = await findOwnRedis()
const postgres = await findPostgres()
const SOON = { timeout: 60_000, interval: 50 }

function signed(id: string, event: object) {
  const time = String(Math.floor(Date.now() / 1000))
  const body = JSON.stringify({
    id,
    type: 'event.created',
    timestamp: EVENT.timestamp,
    tenantId: TENANT,
    data: { event },
  })
  const headers = { 'x-audit-trail-timestamp': time, 'x-audit-trail-signature': signatureOf(time, body) }
  return { headers, body }
}

describe.skipIf(!redis)('4. File d’attente, on BullMQ', () => {
  it('queues what was proved and stored, does it again where it fails, and loses nothing when Redis is away and has forgotten all (A29, T34, T35, T36, T37, T38)', {
    timeout: 180_000,
  }, async () => {
    const { host, port } = redis as NonNullable<typeof redis>
    const place = await postgres?.database()
    const database = openDatabase(place?.url)
    const tried: string[] = []
    const bull = bullEvents({
      connection: { host, port },
      name: `test-${randomUUID()}`,
      work: async ({ id }) => {
        tried.push(id)
        if (tried.length === 1) throw new Error('not now')
      },
    })
    const retry = Array.from({ length: 200 }, () => '200ms' as const)
    const { receiver, migrate, close } = createCustomer({
      database,
      secret: SECRET,
      handlers: { event: bull.event, alert: () => {} },
      work: { retry, jitter: 0 },
      logger: silentLogger,
    })
    const { POST } = nextReceiver(receiver)
    const post = async (request: { readonly headers: Record<string, string>; readonly body: string }) => {
      const answer = await POST(new Request('https://myapp.com/webhooks/audit-trail', { method: 'POST', ...request }))
      return [answer.status, await answer.text()]
    }
    const open = async () =>
      Number((await database.pool.query("select count(*) from hooks.inbox where state = 'accepted'")).rows[0].count)
    try {
      await migrate()
      receiver.start()
      const forged = { ...signed('whd_0', EVENT), body: '{"type":"forged"}' }
      expect(await post(forged)).toEqual([401, 'Invalid signature'])
      expect(await post({ headers: { ...forged.headers, 'content-type': 'text/plain' }, body: 'x' })).toEqual([
        401,
        'Invalid signature',
      ])
      expect(await post(signed('whd_1', { ...EVENT, id: 'event-1' }))).toEqual([200, 'OK'])
      await vi.waitFor(async () => expect([tried, await open()]).toEqual([['event-1', 'event-1'], 0]), SOON)
      expect(await post(signed('whd_1', { ...EVENT, id: 'event-1' }))).toEqual([200, 'Already processed'])

      await redis?.kill()
      expect(await post(signed('whd_2', { ...EVENT, id: 'event-2' }))).toEqual([200, 'OK'])
      expect(await open()).toBe(1)
      await redis?.start()
      await vi.waitFor(async () => expect([tried.slice(2), await open()]).toEqual([['event-2'], 0]), SOON)
    } finally {
      await close()
      await bull.close()
      await redis?.kill()
      await place?.drop()
    }
  })
})
