import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCustomer } from './receiver.ts'
import { createVeza } from './sender.ts'

const SECRET = 'your_webhook_secret'

// The customer listens.
const customer = createCustomer(SECRET, {
  userCreated: ({ user_id, email }) => console.log(`customer: ${user_id} is ${email}`),
  messageSent: () => {},
})
customer.listen(4001)

// Veza runs, and delivers. Each time anew: a webhook of the last time would hear of the user too.
const file = join(mkdtempSync(join(tmpdir(), 'veza-')), 'veza.sqlite')
const veza = createVeza({ file, tokens: { YOUR_TOKEN: 'acme' }, dev: true })
veza.app.listen(4000)
veza.hooks.start()

// The customer registers a webhook, with the call that the document prints.
const answer = await fetch('http://localhost:4000/api/v1/webhooks', {
  method: 'POST',
  headers: { authorization: 'Bearer YOUR_TOKEN', 'content-type': 'application/json' },
  body: JSON.stringify({ url: 'http://localhost:4001/webhooks', events: ['user.created'], secret: SECRET }),
})
console.log('veza:', answer.status, await answer.text())

// A user is created, and the customer hears of it.
veza.createUser('acme', { user_id: `user_${process.pid}`, email: 'user@example.com' })

console.log('Both go on listening, until Ctrl+C.')
