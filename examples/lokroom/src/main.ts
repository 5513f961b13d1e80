import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCustomer } from './receiver.ts'
import { createLokroom } from './sender.ts'

// Lok'Room runs, and delivers.
const file = join(mkdtempSync(join(tmpdir(), 'lokroom-')), 'lokroom.sqlite')
const linkSecret = randomBytes(32).toString('hex')
const lokroom = createLokroom({ file, tokens: { YOUR_TOKEN: 'user_abc123' }, linkSecret, dev: true })
lokroom.app.listen(4010)
lokroom.hooks.start()

const call = async (method: string, path: string, body?: object) => {
  const answer = await fetch(`http://localhost:4010${path}`, {
    method,
    headers: { authorization: 'Bearer YOUR_TOKEN', 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  const shown = (await answer.json()) as { id: string; secret: string }
  console.log(`\n${method} ${path}\n${answer.status}`, shown)
  return shown
}

// The customer registers a webhook, with the call that the document prints, and keeps the secret of the answer.
const webhook = await call('POST', '/api/webhooks', {
  url: 'http://localhost:4011/webhooks/lokroom',
  events: ['booking.created', 'booking.confirmed', 'payment.succeeded'],
})

// The customer listens.
const customer = createCustomer(webhook.secret, {
  bookingCreated: ({ id, totalPrice, currency }) => console.log(`\ncustomer: ${id} for ${totalPrice} ${currency}`),
})
customer.listen(4011)

// A guest books, and the customer hears of it.
const delivered = new Promise<void>((done) => lokroom.hooks.on('delivery.delivered', () => done()))
lokroom.createBooking('user_abc123', {
  id: 'booking_abc123',
  listingId: 'listing_def456',
  guestId: 'user_ghi789',
  startDate: '2024-02-01T14:00:00Z',
  endDate: '2024-02-03T11:00:00Z',
  totalPrice: 250,
  currency: 'EUR',
  status: 'PENDING',
  pricingMode: 'DAILY',
  createdAt: '2024-01-15T10:30:00Z',
})
await delivered

// The history shows it.
await call('GET', `/api/webhooks/${webhook.id}/deliveries?page=1&pageSize=20`)
console.log(`
Both go on listening, until Ctrl+C. Send a test event, and see it arrive:

  curl -X POST http://localhost:4010/api/webhooks/${webhook.id}/test -H 'authorization: Bearer YOUR_TOKEN' \\
    -H 'content-type: application/json' -d '{"event": "booking.created"}'

The page on which the customer sees all of it, for an hour:

  http://localhost:4010/settings/webhooks/${await lokroom.portal.link({ tenant: 'user_abc123' })}`)
