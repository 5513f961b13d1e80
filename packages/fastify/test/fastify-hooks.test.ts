import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fastifyHooks } from '@hooks/fastify'
import { createSender, defineContract, defineEvents, memoryStorage } from '@hooks/sender'
import fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { closeServers, send, serve, utf8 } from './support.ts'

const events = defineEvents({ 'booking.created': { example: { id: 'booking_1' } } })
const silent = { debug() {}, info() {}, warn() {}, error() {} }

function newSender() {
  return createSender({ contract: defineContract({ events }), storage: memoryStorage(), dev: true, logger: silent })
}

declare module 'fastify' {
  interface FastifyInstance {
    hooks: ReturnType<typeof newSender>
  }
}

/** What a plugin is given of a life, in the order in which it happened. */
function life(log: string[]) {
  return { start: () => void log.push('start'), stop: async () => void log.push('stop') }
}

afterEach(closeServers)

describe('a sender that lives with the server', () => {
  it('delivers what a route sends, and has stopped when the server is closed', async () => {
    const receiving = createServer().listen(0, '127.0.0.1')
    await once(receiving, 'listening')
    const url = `http://127.0.0.1:${(receiving.address() as AddressInfo).port}/`
    const sender = newSender()
    await sender.endpoints.create('acme', { url })

    const app = fastify()
    app.register(fastifyHooks, { sender })
    app.post('/bookings', (request) => app.hooks.send('booking.created', request.body as object, { tenant: 'acme' }))
    const port = await serve(app)
    const arriving = once(receiving, 'request')
    const booked = await send(port, {
      path: '/bookings',
      headers: { 'content-type': 'application/json' },
      body: utf8('{"id":"booking_1"}'),
    })
    const [request, response] = await arriving
    expect(request.headers['webhook-id']).toBe(JSON.parse(booked.body).id)
    response.end()

    expect((await sender.health()).running).toBe(true)
    await app.close()
    await expect(sender.send('booking.created', {}, { tenant: 'acme' })).rejects.toMatchObject({
      code: 'sender_closed',
    })
    receiving.close()
  })

  it('is there for the whole server, and for plugins that are registered later', async () => {
    const sender = newSender()
    const app = fastify().register(fastifyHooks, { sender })
    let inside: unknown
    app.register((scope, _options, done) => {
      inside = scope.hooks
      done()
    })
    await app.ready()
    expect([app.hooks, inside]).toEqual([sender, sender])
    await app.close()
  })

  it('delivers nothing where nobody listens, as in tests by inject', async () => {
    const log: string[] = []
    const app = fastify().register(fastifyHooks, { sender: life(log) })
    await app.inject('/')
    expect(log).toEqual([])
    await app.close()
    expect(log).toEqual(['stop'])
  })

  it('leaves delivering to another process, where it is told so', async () => {
    const log: string[] = []
    const app = fastify().register(fastifyHooks, { sender: life(log), start: 'never' })
    await serve(app)
    expect(log).toEqual([])
  })

  it('does not start where it is told to begin at what there is not, for it would never deliver', async () => {
    const app = fastify().register(fastifyHooks, { sender: life([]), start: 'listening' as never })
    await expect(app.ready()).rejects.toMatchObject({ code: 'option_invalid' })
  })

  it('delivers from the moment it is ready, where another server hands the requests on and it never listens', async () => {
    const log: string[] = []
    const app = fastify().register(fastifyHooks, { sender: life(log), start: 'ready' })
    await app.ready()
    expect(log).toEqual(['start'])
    await app.close()
    expect(log).toEqual(['start', 'stop'])
  })

  it('starts once, however many addresses the server listens on', async () => {
    const log: string[] = []
    const app = fastify().register(fastifyHooks, { sender: life(log) })
    await app.listen({ port: 0, host: 'localhost' })
    await app.close()
    expect(log).toEqual(['start', 'stop'])
  })

  it('stops after the last request has ended, and before the database that was registered first', async () => {
    const log: string[] = []
    const app = fastify()
    app.addHook('onClose', async () => void log.push('database'))
    app.register(fastifyHooks, { sender: life(log) })
    let entered!: () => void
    const inRequest = new Promise<void>((resolve) => {
      entered = resolve
    })
    app.get('/slow', async () => {
      entered()
      await new Promise((resolve) => setTimeout(resolve, 50))
      log.push('request')
      return 'done'
    })
    const port = await serve(app)
    const answered = send(port, { method: 'GET', path: '/slow', headers: { connection: 'close' } })
    await inRequest
    await Promise.all([app.close(), answered])
    expect(log).toEqual(['start', 'request', 'stop', 'database'])
  })

  it('is one for a server: a second is refused when the server starts', async () => {
    const app = fastify()
    app.register(fastifyHooks, { sender: life([]) })
    app.register(fastifyHooks, { sender: life([]) })
    await expect(app.ready()).rejects.toMatchObject({ code: 'FST_ERR_DEC_ALREADY_PRESENT' })
    await app.close()
  })
})
