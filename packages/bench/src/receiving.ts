import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { expressReceiver } from '@hooks/express'
import { fastifyReceiver } from '@hooks/fastify'
import { createReceiver } from '@hooks/receiver'
import express from 'express'
import fastify from 'fastify'

/** A server in a process of its own, by name; it tells its parent its port, and when asked the processor time that it took, in ms. */
const KEY = Buffer.alloc(32, 7)
const receiver = createReceiver({ secret: `whsec_${KEY.toString('base64')}` }).on('bookings.synced', () => {})

/** What a careful hand writes: every header, the time window, the comparison in constant time, the parse. */
function verify(headers: IncomingHttpHeaders, body: Buffer): unknown {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = headers
  if (typeof id !== 'string' || typeof time !== 'string' || typeof signatures !== 'string') return undefined
  if (!(Math.abs(Date.now() / 1000 - Number(time)) <= 300)) return undefined
  const made = createHmac('sha256', KEY).update(`${id}.${time}.`).update(body).digest()
  const fits = signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64')
    return given.length === made.length && timingSafeEqual(given, made)
  })
  return fits ? JSON.parse(body.toString()) : undefined
}

const servers: Record<string, () => void> = {
  'express-by-hand'() {
    const app = express()
    app.post('/webhooks', express.raw({ type: '*/*', limit: '1mb' }), (request, response) => {
      if (verify(request.headers, request.body)) response.json({ received: true })
      else response.status(401).json({ error: 'signature_mismatch' })
    })
    listenExpress(app)
  },
  'express-hooks'() {
    listenExpress(express().post('/webhooks', expressReceiver(receiver)))
  },
  'fastify-by-hand'() {
    const app = fastify()
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.post('/webhooks', (request, reply) => {
      if (verify(request.headers, request.body as Buffer)) return reply.send({ received: true })
      return reply.code(401).send({ error: 'signature_mismatch' })
    })
    app.listen({ port: 0, host: '127.0.0.1' }, (_error, address) => tell(address))
  },
  'fastify-hooks'() {
    const app = fastify().register(fastifyReceiver, { prefix: '/webhooks', receiver })
    app.listen({ port: 0, host: '127.0.0.1' }, (_error, address) => tell(address))
  },
}

function listenExpress(app: ReturnType<typeof express>): void {
  const server = app.listen(0, '127.0.0.1', () => {
    const address = server.address()
    tell(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
  })
}

function tell(address: string): void {
  process.send?.(Number(new URL(address).port))
}

servers[process.argv[2] ?? '']?.()
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.((user + system) / 1000)
})
process.on('disconnect', () => process.exit())
