import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { findPostgres } from 'tooling/postgres'
import { findRedis } from 'tooling/redis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openDatabase } from '../../../examples/audit-trail/src/database.ts'
import { createCustomer } from '../../../examples/audit-trail/src/receiver.ts'
import { createAuditTrail } from '../../../examples/audit-trail/src/sender.ts'
import { type Running, writeFiles } from '../test/pages.ts'
import { newProject } from './install.ts'
import { buildNext, nextDependencies, startNext } from './next-project.ts'

const example = fileURLToPath(new URL('../../../examples/audit-trail', import.meta.url))
const postgres = await findPostgres()
const redis = await findRedis()

const SECRET = 'whsec_abc123def456'
const TENANT = 'tenant-001'
const CRON_SECRET = 'a-secret-of-the-cron-route'
const SOON = { timeout: 60_000, interval: 100 }
const TIMEOUT = { timeout: 120_000 }
const headers = { 'x-api-key': 'your-api-key', 'content-type': 'application/json' }
const EVENT = {
  id: 'event-1',
  timestamp: '2025-01-15T10:30:00Z',
  actor: { id: 'user-123', type: 'USER', name: 'John Doe' },
  action: { type: 'CREATE', description: 'Created document' },
  resource: { id: 'doc-456', type: 'DOCUMENT', name: 'Q4 Report' },
}

/** What an application has beside these sources: where its own events come from. */
const ownFiles: readonly (readonly [string, string])[] = [
  [
    'src/app/record/route.ts',
    `import { auditTrail } from '../../audit-trail.ts'
     export async function POST(request: Request) {
       await auditTrail.record('${TENANT}', await request.json())
       return Response.json({})
     }`,
  ],
  ['tsconfig.json', JSON.stringify({ compilerOptions: { allowImportingTsExtensions: true, noEmit: true } })],
]

describe.skipIf(!postgres || !redis)('Audit Trail as an application of Next.js, on PostgreSQL and BullMQ', () => {
  const closing: (() => unknown)[] = []
  let folder: string
  let env: Readonly<Record<string, string>>
  let myApp: pg.Pool

  beforeAll(async () => {
    const [one, two] = [await postgres?.database(), await postgres?.database()]
    await migrate(one?.url ?? '', two?.url ?? '')
    myApp = new pg.Pool({ connectionString: two?.url })
    closing.push(
      async () => one?.drop(),
      async () => two?.drop(),
      () => myApp.end(),
    )
    env = {
      AUDIT_TRAIL_DATABASE_URL: one?.url ?? '',
      MY_APP_DATABASE_URL: two?.url ?? '',
      REDIS_URL: redis?.url ?? '',
      QUEUE_NAME: `lane-${process.pid}`,
      API_KEYS: JSON.stringify({ 'your-api-key': [TENANT] }),
      WEBHOOK_SECRET: SECRET,
      CRON_SECRET,
    }
    const { dependencies } = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8'))
    const others = Object.entries(dependencies as Record<string, string>).filter(
      ([name]) => !name.startsWith('@hooks/'),
    )
    folder = newProject('audit-trail', ['core', 'sender', 'receiver', 'portal', 'postgres', 'bullmq', 'nextjs'], {
      ...Object.fromEntries(others),
      ...nextDependencies(),
      '@types/pg': '8.23.1',
    })
    closing.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 }))
    // All of its sources but the program that stands in for Next.js.
    const isOurs = (path: string) => !/\/(main|serve)\.ts$/.test(path)
    cpSync(join(example, 'src'), join(folder, 'src'), { recursive: true, filter: isOurs })
    writeFiles(folder, ownFiles)
  })
  afterAll(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const told = async () => (await myApp.query('select id from told order by id')).rows.map(({ id }) => id)
  const caller =
    (port: number) =>
    async (method: string, path: string, body?: object, more: object = {}) => {
      const sent = { method, headers: { ...headers, ...more }, ...(body && { body: JSON.stringify(body) }) }
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, sent)
      const text = await answer.text()
      return {
        status: answer.status,
        text,
        json: answer.headers.get('content-type')?.includes('json') && JSON.parse(text),
      }
    }
  async function end(server: Running): Promise<void> {
    const ended = once(server.child, 'exit')
    server.child.kill('SIGINT')
    await ended
  }
  const webhook = (more: object = {}) => ({
    tenantId: TENANT,
    name: 'My Webhook',
    url: 'https://myapp.invalid/webhooks/audit-trail',
    secret: SECRET,
    events: ['event.created', 'event.batch.created', 'alert.triggered'],
    enabled: true,
    ...more,
  })

  describe('built, and served in production', () => {
    let server: Running
    let port: number
    let call: ReturnType<typeof caller>
    beforeAll(async () => {
      buildNext(folder)
      ;[port, server] = await startNext(folder, 'start', env)
      call = caller(port)
    })
    afterAll(() => end(server))

    /** A request as the document has it. */
    async function receives(body: string, { at = Math.floor(Date.now() / 1000), secret = SECRET } = {}) {
      const signature = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
      const sent = {
        'x-audit-trail-signature': `sha256=${signature}`,
        'x-audit-trail-timestamp': `${at}`,
        'x-audit-trail-delivery-id': 'whd_abc123',
      }
      const answer = await fetch(`http://127.0.0.1:${port}/webhooks/audit-trail`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...sent },
        body,
      })
      return `${answer.status} ${await answer.text()}`
    }
    const bodyOf = (id: string) =>
      JSON.stringify({
        id: `whd_${id}`,
        type: 'event.created',
        timestamp: '2025-01-15T10:30:00Z',
        tenantId: TENANT,
        data: { event: { ...EVENT, id } },
      })

    it('creates webhooks for who has a key, for the tenants of that key, at addresses that the world can reach', async () => {
      const created = await call('POST', '/api/v1/webhooks', webhook({ enabled: false }))
      expect([created.status, created.json.tenantId]).toEqual([201, TENANT])
      expect(created.text).not.toContain(SECRET)
      expect((await call('POST', '/api/v1/webhooks', webhook(), { 'x-api-key': 'another' })).status).toBe(401)
      expect((await call('POST', '/api/v1/webhooks', webhook({ tenantId: 'tenant-002' }))).status).toBe(404)
      expect((await call('POST', '/api/v1/webhooks', webhook({ url: 'http://localhost:3000/' }))).status).toBe(422)
      expect((await call('GET', `/api/v1/webhooks/${created.json.id}/deliveries`)).json).toEqual({ deliveries: [] })
    })

    it('sends a test without a body, and shows when it is tried again where nobody answers', TIMEOUT, async () => {
      const { json } = await call('POST', '/api/v1/webhooks', webhook())
      const test = `http://127.0.0.1:${port}/api/v1/webhooks/${json.id}/test`
      const tested = await fetch(test, { method: 'POST', headers: { 'x-api-key': 'your-api-key' } })
      expect(tested.ok, server.output()).toBe(true)
      await vi.waitFor(async () => {
        const { deliveries } = (await call('GET', `/api/v1/webhooks/${json.id}/deliveries`)).json
        expect(deliveries).toMatchObject([{ status: null, success: false, retryAt: expect.any(String) }])
        const { timestamp, retryAt } = deliveries[0]
        expect(Date.parse(retryAt) - Date.parse(timestamp)).toBe(60_000)
      }, SOON)
    })

    it('proves, stores and answers, and does the work afterwards, once', TIMEOUT, async () => {
      const body = bodyOf('received-1')
      expect(await receives(body, { secret: 'another' })).toBe('401 Invalid signature')
      expect(await receives(body)).toBe('200 OK')
      expect(await receives(body)).toBe('200 Already processed')
      expect(await receives(bodyOf('received-2'), { at: Math.floor(Date.now() / 1000) - 302 })).toBe(
        '400 Webhook too old',
      )
      await vi.waitFor(async () => expect(await told()).toEqual(['received-1']), SOON)
    })

    it('delivers by its cron route for the scheduler, and for nobody else', async () => {
      const ask = (secret: string) => call('GET', '/api/cron', undefined, { authorization: `Bearer ${secret}` })
      expect((await ask('another-secret-entirely')).status).toBe(401)
      expect((await ask(CRON_SECRET)).json).toEqual({ drained: true })
    })
  })

  it('delivers to itself while it is developed: an event and a batch are told of, and shown as the document prints it', {
    timeout: 300_000,
  }, async () => {
    rmSync(join(folder, '.next'), { recursive: true, force: true })
    const [port, server] = await startNext(folder, 'dev', env)
    try {
      const call = caller(port)
      const { json } = await call(
        'POST',
        '/api/v1/webhooks',
        webhook({ url: `http://127.0.0.1:${port}/webhooks/audit-trail` }),
      )
      expect((await call('POST', '/record', [EVENT])).status, server.output()).toBe(200)
      await call('POST', '/record', [
        { ...EVENT, id: 'event-2' },
        { ...EVENT, id: 'event-3' },
      ])
      await vi.waitFor(
        async () => expect(await told()).toEqual(expect.arrayContaining(['event-1', 'event-2', 'event-3'])),
        SOON,
      )
      await vi.waitFor(async () => {
        const { deliveries } = (await call('GET', `/api/v1/webhooks/${json.id}/deliveries`)).json
        const delivered = {
          id: expect.stringMatching(/^whd_/),
          timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          status: 200,
          duration: expect.any(Number),
          success: true,
        }
        expect(deliveries).toEqual([delivered, delivered])
      }, SOON)
    } finally {
      await end(server)
    }
  })
})

/** What the README has a script do when it deploys. */
async function migrate(auditTrailUrl: string, myAppUrl: string): Promise<void> {
  const auditTrail = createAuditTrail({ database: openDatabase(auditTrailUrl), keys: {} })
  await auditTrail.migrate()
  await auditTrail.close()
  const database = openDatabase(myAppUrl)
  await database.pool.query('create table told (kind text not null, id text not null, primary key (kind, id))')
  const customer = createCustomer({ database, secret: SECRET, handlers: { event() {}, alert() {} } })
  await customer.migrate()
  await customer.close()
}
