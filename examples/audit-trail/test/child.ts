import type { AddressInfo } from 'node:net'
import { nextReceiver } from '@hooks/nextjs'
import { openDatabase } from '../src/database.ts'
import { createCustomer } from '../src/receiver.ts'
import { serveRoutes } from '../src/serve.ts'

/** A customer's application that accepts, begins the work, and never ends it: to be killed. */
const [url, secret = ''] = process.argv.slice(2)
const never = () => {
  process.send?.('working')
  return new Promise(() => {})
}
const customer = createCustomer({
  database: openDatabase(url),
  secret,
  handlers: { event: never, alert: never },
  work: { leaseMs: 4_000 },
})
customer.receiver.start()
const server = serveRoutes({ '/webhooks/audit-trail': { ...nextReceiver(customer.receiver) } })
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
// Where its parent has gone, so does it.
process.on('disconnect', () => process.exit())
