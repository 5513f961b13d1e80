import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { expressReceiver } from '@hooks/express'
import { createReceiver, type Logger, memoryIdempotency, type Receiver } from '@hooks/receiver'
import express from 'express'
import { contract } from './contract.ts'

export const PORT = 3000
/** "Stockée côté client et serveur". */
export const SECRET = 'mon_secret_123'

/** What the client is told. */
export interface ClientOptions {
  /** How requests are signed: with the course's token by default. */
  readonly contract?: typeof contract
  readonly secret?: string
  readonly logger?: Logger
  /** 3. Traitement. */
  readonly paid: (amount: number, event: { readonly type: string; readonly integrity: 'signed' | 'none' }) => unknown
}

/** The same event may come twice, and has no id: what has the same bytes is the same. */
export const sameBytes = ({ body }: { readonly body: Uint8Array }) => createHash('sha256').update(body).digest('hex')

/** The client: it checks what comes, works once for each event, then answers. */
export function createClient({ contract: agreed = contract, secret = SECRET, logger, paid }: ClientOptions) {
  return createReceiver({
    contract: agreed,
    secret,
    idempotency: memoryIdempotency(),
    idempotencyKey: sameBytes,
    ...(logger && { logger }),
  }).on('payment_completed', ({ data, type, integrity }) => paid(data.amount, { type, integrity }))
}

/** Its endpoint on Express. */
export function onExpress(client: Pick<Receiver, 'handle' | 'maxBodyBytes'>, make = express) {
  const app = make()
  app.post('/webhook', expressReceiver(client))
  return app
}

/** The same without Express. */
export function onHttp(client: Pick<Receiver, 'handle' | 'maxBodyBytes'>) {
  const receive = expressReceiver(client)
  return createServer((request, response) => {
    if (request.url === '/webhook') receive(request, response, () => response.writeHead(500).end())
    else response.writeHead(404).end()
  })
}
