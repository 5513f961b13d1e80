import { fastifyReceiver } from '@hooks/fastify'
import { type PostgresHandle, postgresInbox } from '@hooks/postgres'
import { background, createReceiver, type Logger } from '@hooks/receiver'
import fastify from 'fastify'
import { contract } from './contract.ts'

/** A seismic event, as Grillo's webhook has it. */
export interface Quake {
  readonly event_id: string
  readonly magnitude: number
  readonly location_description: string
}

/** What a customer of Grillo is told. */
export interface CustomerOptions {
  readonly database: PostgresHandle
  /** The secret that it chose, and during a rotation the one before. */
  readonly secret: string | readonly string[]
  readonly alert: (quake: Quake) => unknown
  readonly logger?: Logger
}

/**
 * The receiving side: a customer's server. « Retourner 200 immédiatement, traiter après »: the answer comes once the event
 * is stored, the work is done afterwards, with retries, and a process that dies in between loses nothing.
 */
export function createCustomer({ database, secret, alert, logger }: CustomerOptions) {
  const receiver = createReceiver({
    contract,
    secret,
    inbox: background(postgresInbox(database, { migrate: true })),
    ...(logger && { logger }),
  }).on('event.detected', ({ data }) => alert(data))

  const app = fastify()
  app.register(fastifyReceiver, { prefix: '/grillo-webhook', receiver })
  app.addHook('onReady', async () => receiver.start())
  app.addHook('onClose', () => receiver.stop())
  return { app, receiver }
}
