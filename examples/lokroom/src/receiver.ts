import { createHash } from 'node:crypto'
import { expressReceiver } from '@hooks/express'
import {
  background,
  createReceiver,
  type Inbox,
  type Logger,
  memoryIdempotency,
  type SecretSource,
} from '@hooks/receiver'
import express, { type RequestHandler } from 'express'
import { type Booking, contract } from './contract.ts'

/** What a customer of Lok'Room does with its events. */
export interface Handlers {
  readonly bookingCreated?: (booking: Booking) => unknown
  readonly bookingCancelled?: (booking: unknown) => unknown
  readonly paymentSucceeded?: (payment: { bookingId: string; amount: number }) => unknown
}

const common = (secret: SecretSource | undefined, logger?: Logger) => ({
  contract,
  secret,
  // The document says to use the event's id, and prints none: `data.id` is the booking's, and payments have no such
  // field. A repetition has the same bytes, and no other event has.
  idempotencyKey: ({ body }: { readonly body: Uint8Array }) => createHash('sha256').update(body).digest('hex'),
  ...(logger && { logger }),
})

/** A customer's server that works before it answers: 200 for what is done, 500 for what Lok'Room is to send again. */
export function createCustomer(secret: SecretSource | undefined, handlers: Handlers, logger?: Logger) {
  const webhooks = createReceiver({ ...common(secret, logger), idempotency: memoryIdempotency() })
    .on('booking.created', ({ data }) => handlers.bookingCreated?.(data))
    .on('booking.cancelled', ({ data }) => handlers.bookingCancelled?.(data))
    .on('payment.succeeded', ({ data }) => handlers.paymentSucceeded?.(data))

  const app = express()
  app.post('/webhooks/lokroom', expressReceiver(webhooks))
  return app
}

/** The same for work that takes long: 200 once it is safely in the inbox, and the work after that. */
export function createBusyCustomer(secret: SecretSource | undefined, handlers: Handlers, inbox: Inbox) {
  const webhooks = createReceiver({ ...common(secret), inbox: background(inbox) }).on('booking.created', ({ data }) =>
    handlers.bookingCreated?.(data),
  )
  const app = express()
  app.post('/webhooks/lokroom', expressReceiver(webhooks))
  return { app, webhooks }
}

/** At most so many requests a minute. What is turned away, unread, comes again: Lok'Room retries whatever is not 2xx. */
export function rateLimit(perMinute: number): RequestHandler {
  let minute = 0
  let count = 0
  return (_request, response, next) => {
    const now = Math.floor(Date.now() / 60_000)
    count = now === minute ? count + 1 : 1
    minute = now
    if (count <= perMinute) return next()
    response.status(429).set('retry-after', '60').send('Too many requests')
  }
}
