import { createHash } from 'node:crypto'
import { expressReceiver } from '@hooks/express'
import { createReceiver, type Logger, memoryIdempotency } from '@hooks/receiver'
import express from 'express'
import { contract } from './contract.ts'

/** What a customer of Veza does with its events. */
export interface Handlers {
  readonly userCreated: (user: { user_id: string; email: string; created_at: string }) => unknown
  readonly messageSent: (message: unknown) => unknown
}

/** The receiving side: a customer's server, with the secret that it chose when it registered the webhook. */
export function createCustomer(secret: string, { userCreated, messageSent }: Handlers, logger?: Logger) {
  const webhooks = createReceiver({
    contract,
    secret,
    idempotency: memoryIdempotency(),
    // Nothing on Veza's wire identifies an event. A repetition has the same bytes, and no other event has.
    idempotencyKey: ({ body }) => createHash('sha256').update(body).digest('hex'),
    ...(logger && { logger }),
  })
    .on('user.created', ({ data }) => userCreated(data))
    .on('message.sent', ({ data }) => messageSent(data))
    .onUnknown(({ type }, { log }) => log.info({ type }, `Événement non géré : ${type}`))

  const app = express()
  app.post('/webhooks', expressReceiver(webhooks))
  app.use(express.json())
  return app
}
