import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bullmqQueue } from '@hooks/bullmq'
import { Queue } from 'bullmq'
import { findPostgres } from 'tooling/postgres'
import { findRedis } from 'tooling/redis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openDatabase } from '../src/database.ts'
import { createAuditTrail } from '../src/sender.ts'
import { serveRoutes } from '../src/serve.ts'
import { EVENT, SECRET, TENANT } from './stage.ts'

const postgres = await findPostgres()
const redis = await findRedis()
const SOON = { timeout: 60_000, interval: 50 }
const TIMEOUT = { timeout: 120_000 }
const KEYS = { 'your-api-key': [TENANT] } as const
const headers = { 'x-api-key': 'your-api-key', 'content-type': 'application/json' }
const queueName = `test-${randomUUID()}`

/** The routes of the folder `app`, as Next.js loads them, with what an application has in its `.env`. */
describe.skipIf(!postgres || !redis)('the routes of a Next.js application, on PostgreSQL and BullMQ', () => {
  const closing: (() => Promise<unknown>)[] = []
  let audit: typeof import('../src/audit-trail.ts')['auditTrail']
  let app: typeof import('../src/my-app.ts')['myApp']
  let cron: typeof import('../src/app/api/cron/route.ts')
  let origin: string
  let auditUrl: string

  beforeAll(async () => {
    const [one, two] = [await postgres?.database(), await postgres?.database()]
    closing.push(
      async () => one?.drop(),
      async () => two?.drop(),
    )
    auditUrl = one?.url ?? ''
    vi.stubEnv('AUDIT_TRAIL_DATABASE_URL', auditUrl)
    vi.stubEnv('MY_APP_DATABASE_URL', two?.url ?? '')
    vi.stubEnv('REDIS_URL', redis?.url ?? '')
    vi.stubEnv('QUEUE_NAME', queueName)
    vi.stubEnv('API_KEYS', JSON.stringify(KEYS))
    vi.stubEnv('WEBHOOK_SECRET', SECRET)
    vi.stubEnv('CRON_SECRET', 'a-secret-of-the-cron-route')
    audit = (await import('../src/audit-trail.ts')).auditTrail
    app = (await import('../src/my-app.ts')).myApp
    closing.push(
      () => forget(),
      () => audit.close(),
      () => app.close(),
    )
    await Promise.all([audit.migrate(), app.migrate()])
    cron = await import('../src/app/api/cron/route.ts')
    const server: Server = serveRoutes({
      '/api/v1/webhooks/[[...path]]': await import('../src/app/api/v1/webhooks/[[...path]]/route.ts'),
      '/api/cron': cron,
      '/webhooks/audit-trail': await import('../src/app/webhooks/audit-trail/route.ts'),
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    closing.push(async () => server.close())
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }, 120_000)
  afterAll(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    vi.unstubAllEnvs()
  }, 120_000)

  /** Takes this run's queue from Redis. */
  async function forget() {
    const queue = new Queue(queueName, { connection: { url: redis?.url ?? '' } })
    await queue.obliterate({ force: true })
    await queue.close()
  }
  const told = async () => (await app.told()).map(({ id }) => id)
  const call = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${origin}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) }
  }
  let id: string

  it(
    'creates a webhook by the catch-all route, and delivers by the cron route where no process stays, for who knows the secret (A2)',
    TIMEOUT,
    async () => {
      const created = await call('POST', '/api/v1/webhooks', {
        tenantId: TENANT,
        name: 'My Webhook',
        url: `${origin}/webhooks/audit-trail`,
        secret: SECRET,
      })
      expect(created.status).toBe(201)
      id = created.json.id
      await audit.record(TENANT, [{ ...EVENT, id: 'event-1' }])
      const ask = (secret: string) =>
        cron.GET(new Request(`${origin}/api/cron`, { headers: { authorization: `Bearer ${secret}` } }))
      const shown = async () => (await call('GET', `/api/v1/webhooks/${id}/deliveries`)).json.deliveries
      expect((await ask('another-secret-entirely')).status).toBe(401)
      expect(await shown()).toEqual([])
      expect(await (await ask('a-secret-of-the-cron-route')).json()).toEqual({ drained: true })
      expect(await shown()).toMatchObject([{ status: 200, success: true }])
      expect(await told()).toEqual([])
    },
  )

  it('works by itself from the start of the server on: one event and a batch are told of (A1)', TIMEOUT, async () => {
    vi.stubEnv('NEXT_RUNTIME', 'nodejs')
    const { register } = await import('../src/instrumentation.ts')
    await register()
    await audit.record(TENANT, [
      { ...EVENT, id: 'event-2' },
      { ...EVENT, id: 'event-3' },
    ])
    await vi.waitFor(async () => expect(await told()).toEqual(['event-1', 'event-2', 'event-3']), SOON)
  })

  it('shows its deliveries by the catch-all route, as the document prints them (A33, A34)', TIMEOUT, async () => {
    await vi.waitFor(async () => {
      const { json } = await call('GET', `/api/v1/webhooks/${id}/deliveries`)
      const delivered = {
        id: expect.stringMatching(/^whd_/),
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        status: 200,
        duration: expect.any(Number),
        success: true,
      }
      expect(json).toEqual({ deliveries: [delivered, delivered] })
      expect(json.deliveries.every(({ duration }: { duration: number }) => Number.isInteger(duration))).toBe(true)
    }, SOON)
  })

  it('stores an event and its webhook together, or neither', TIMEOUT, async () => {
    const before = (await audit.hooks.messages.list(TENANT)).data.length
    await expect(audit.record(TENANT, [{ ...EVENT, id: 'event-1' }])).rejects.toMatchObject({ code: '23505' })
    await expect(audit.record(TENANT, [{ ...EVENT, id: 'event-9', actor: undefined as never }])).rejects.toMatchObject({
      code: 'payload_invalid',
    })
    expect((await audit.hooks.messages.list(TENANT)).data).toHaveLength(before)
    const database = openDatabase(auditUrl)
    try {
      const { rows } = await database.pool.query("select id from audit_event where id = 'event-9'")
      expect(rows).toEqual([])
    } finally {
      await database.close()
    }
  })

  it('delivers what another process records, which tells of it by BullMQ', TIMEOUT, async () => {
    const other = createAuditTrail({
      database: openDatabase(auditUrl),
      keys: KEYS,
      queue: bullmqQueue({ connection: { url: redis?.url ?? '' }, name: queueName }),
      dev: true,
    })
    const tools = new Queue(queueName, { connection: { url: redis?.url ?? '' } })
    try {
      const before = await tools.getCompletedCount()
      await other.record(TENANT, [{ ...EVENT, id: 'event-4' }])
      await vi.waitFor(async () => expect(await told()).toContain('event-4'), SOON)
      await vi.waitFor(async () => expect(await tools.getCompletedCount()).toBeGreaterThan(before), SOON)
    } finally {
      await tools.close()
      await other.close()
    }
  })

  it('answers 404 and 405 as Next.js does where there is no route', async () => {
    expect((await fetch(`${origin}/elsewhere`)).status).toBe(404)
    expect((await fetch(`${origin}/webhooks/audit-trail`)).status).toBe(405)
  })
})
