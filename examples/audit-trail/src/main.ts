import type { AddressInfo } from 'node:net'
import { serveRoutes } from './serve.ts'

const SECRET = 'whsec_abc123def456'
// What a Next.js application has in its .env. Without the URLs of databases, each side has a PGlite in memory.
process.env.API_KEYS ??= '{ "your-api-key": ["tenant-001"] }'
process.env.WEBHOOK_SECRET ??= SECRET
process.env.CRON_SECRET ??= 'a secret of the cron route'.replaceAll(' ', '-')

const { auditTrail } = await import('./audit-trail.ts')
const { myApp } = await import('./my-app.ts')
await Promise.all([auditTrail.migrate(), myApp.migrate()])

// What Next.js does: it serves each folder of `app` that has a route.ts, and calls `register` of instrumentation.ts.
const server = serveRoutes({
  '/api/v1/webhooks/[[...path]]': await import('./app/api/v1/webhooks/[[...path]]/route.ts'),
  '/api/cron': await import('./app/api/cron/route.ts'),
  '/webhooks/audit-trail': await import('./app/webhooks/audit-trail/route.ts'),
})
await new Promise<void>((ready) => server.listen(Number(process.env.PORT ?? 3000), ready))
const origin = `http://localhost:${(server.address() as AddressInfo).port}`
auditTrail.hooks.start()
myApp.receiver.start()

// The customer creates a webhook, with the call that the document prints, ...
const headers = { 'x-api-key': 'your-api-key', 'content-type': 'application/json' }
const created = await fetch(`${origin}/api/v1/webhooks`, {
  method: 'POST',
  headers,
  body: JSON.stringify({
    tenantId: 'tenant-001',
    name: 'My Webhook',
    url: `${origin}/webhooks/audit-trail`,
    secret: SECRET,
    events: ['event.created', 'event.batch.created', 'alert.triggered'],
    enabled: true,
  }),
})
const { id } = (await created.json()) as { id: string }
console.log('Audit Trail: created', id)

// ... something happens, ...
await auditTrail.record('tenant-001', [
  {
    id: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
    actor: { id: 'user-123', type: 'USER', name: 'John Doe' },
    action: { type: 'CREATE', description: 'Created document' },
    resource: { id: 'doc-456', type: 'DOCUMENT', name: 'Q4 Report' },
  },
])

// ... and the customer hears of it.
const pause = () => new Promise((resolve) => setTimeout(resolve, 100))
while ((await myApp.told()).length === 0) await pause()
console.log('my app: was told of', await myApp.told())
const deliveries = async () => (await fetch(`${origin}/api/v1/webhooks/${id}/deliveries`, { headers })).text()
while (!(await deliveries()).includes('"success":true')) await pause()
console.log('Audit Trail:', await deliveries())
console.log(`Serving at ${origin}. Press Ctrl+C to stop.`)
