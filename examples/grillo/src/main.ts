import { randomBytes } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import { contract } from './contract.ts'
import { createCustomer } from './receiver.ts'
import { createGrillo } from './sender.ts'

const SECRET = 'votre_secret_partage'

// Each has a PostgreSQL of its own; here, one that lives in this process. Hand over your pool in its place.
const customer = createCustomer({
  database: await PGlite.create(),
  secret: SECRET,
  alert: ({ magnitude, location_description }) =>
    console.log(`customer: magnitude ${magnitude}, ${location_description}`),
})
await customer.app.listen({ port: 4001 })

const grillo = createGrillo({
  database: await PGlite.create(),
  tokens: { TOKEN: 'net_xyz789' },
  linkSecret: randomBytes(32).toString('hex'),
  dev: true,
})
await grillo.app.listen({ port: 4000 })

// The customer registers a webhook, with the call that the document prints.
const answer = await fetch('http://localhost:4000/v1/webhooks', {
  method: 'POST',
  headers: { authorization: 'Bearer TOKEN', 'content-type': 'application/json' },
  body: JSON.stringify({
    url: 'http://localhost:4001/grillo-webhook',
    events: ['event.detected', 'sensor.offline'],
    secret: SECRET,
  }),
})
console.log('grillo:', answer.status, await answer.text())

// The earth shakes.
await grillo.hooks.send('event.detected', contract.events.get('event.detected')?.example as never, {
  tenant: 'net_xyz789',
})

const link = await grillo.portal.link({ tenant: 'net_xyz789' })
console.log('Both go on listening, until Ctrl+C.')
console.log(`grillo: the dashboard, for an hour: http://localhost:4000/parametres/notifications/webhooks/${link}`)
