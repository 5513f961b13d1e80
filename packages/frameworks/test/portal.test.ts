import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type AddressInfo, connect } from 'node:net'
import { expressPortal, rawBody } from '@hooks/express'
import { fastifyPortal } from '@hooks/fastify'
import { type FetchHandler, nextPortal } from '@hooks/nextjs'
import { createManagementApi } from '@hooks/portal'
import { createSender, defineContract, defineEvents, memoryStorage } from '@hooks/sender'
import express5 from 'express'
import fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { send } from './exchange.ts'
import { listen, listenFetch, type Serving } from './hosts.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5

const open: Serving[] = []
afterEach(async () => {
  for (const { close } of open.splice(0)) await close()
})

interface Host {
  readonly name: string
  /** Serves the handler under `/in/webhooks`. */
  serve(portal: FetchHandler, options?: { readonly origin?: string }): Promise<Serving>
}

const express = (name: string, make: typeof express5): Host[] => [
  {
    name: `${name}, by use`,
    serve: (portal, options) => listen(make().use('/in/webhooks', expressPortal(portal, options))),
  },
  {
    name: `${name}, in a router`,
    serve: (portal, options) =>
      listen(make().use('/in', make.Router().use('/webhooks', expressPortal(portal, options)))),
  },
]

const hosts: readonly Host[] = [
  ...express('Express 4', express4),
  ...express('Express 5', express5),
  {
    name: 'Fastify',
    async serve(portal, options) {
      const app = fastify()
      app.register(fastifyPortal, { prefix: '/in/webhooks', portal, ...options })
      await app.listen({ port: 0, host: '127.0.0.1' })
      const close = () => {
        app.server.closeAllConnections()
        return app.close()
      }
      return { port: (app.server.address() as AddressInfo).port, close }
    },
  },
  {
    name: 'the App Router of Next.js, its handlers alone',
    serve(portal) {
      const route = nextPortal(portal)
      return listenFetch((request) => {
        const [, , , ...path] = new URL(request.url).pathname.replace(/\/$/, '').split('/')
        const params = Promise.resolve({ tenant: 'in', ...(path.length > 0 && { path }) })
        return route[request.method as 'GET'](request, { params })
      })
    },
  },
]

/** A handler that says what it was asked. */
const echo: FetchHandler = {
  async fetch(request, mount) {
    const { method, url, headers } = request
    const body = await request.text()
    return Response.json({ method, url, mount, twice: headers.get('x-twice'), body })
  },
}

describe.each(hosts)('a fetch handler behind $name', ({ name, serve }) => {
  const start = async (portal: FetchHandler, options?: { readonly origin?: string }) => {
    const serving = await serve(portal, options)
    open.push(serving)
    return (path: string) => ({ port: serving.port, path })
  }

  it.each(['', '/', '/v1/endpoints', '/v1/a%2Fb?c=%20d&e'])('knows its path and its mount: "%s"', async (rest) => {
    const at = await start(echo)
    const asked = JSON.parse((await send(at(`/in/webhooks${rest}`), { method: 'GET' })).body)
    expect(asked.mount).toEqual({ basePath: '/in/webhooks' })
    expect(new URL(asked.url).pathname + new URL(asked.url).search).toBe(`/in/webhooks${rest}`)
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('gets %s with its body and headers', async (method) => {
    const at = await start(echo)
    const headers = { 'x-twice': ['1', '2'], 'content-type': 'json' }
    const answer = await send(at('/in/webhooks/x'), { method, headers, body: Buffer.from('{"a": 1.0}') })
    expect(JSON.parse(answer.body)).toMatchObject({ method, twice: '1, 2', body: '{"a": 1.0}' })
  })

  it('answers with status, headers, several cookies and bytes, and with no body where there is none', async () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0xff, 0x0a)
    const at = await start({
      async fetch(request) {
        if (request.url.endsWith('/empty')) return new Response(null, { status: 204 })
        const answer = new Response(bytes, { status: 201, headers: { 'content-type': 'image/x', 'x-a': 'b' } })
        answer.headers.append('set-cookie', 'a=1')
        answer.headers.append('set-cookie', 'b=2; Path=/')
        return answer
      },
    })
    const answer = await send(at('/in/webhooks/x'), { method: 'GET' })
    expect(answer).toMatchObject({
      status: 201,
      headers: { 'content-type': 'image/x', 'x-a': 'b', 'set-cookie': ['a=1', 'b=2; Path=/'] },
    })
    expect(answer.body).toBe(Buffer.from(bytes).toString())
    expect(await send(at('/in/webhooks/empty'), { method: 'GET' })).toMatchObject({ status: 204, body: '' })
  })

  it('streams: the first piece is out before the last is made', async () => {
    let release!: () => void
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const at = await start({
      async fetch() {
        const body = new ReadableStream({
          async start(controller) {
            controller.enqueue(Buffer.from('first'))
            await released
            controller.enqueue(Buffer.from('last'))
            controller.close()
          },
        })
        return new Response(body)
      },
    })
    const { port } = at('')
    const answer = await fetch(`http://127.0.0.1:${port}/in/webhooks/x`)
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first')
    release()
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('last')
  })

  it('hears that the client hung up: its signal aborts, and its stream is cancelled', async () => {
    let cancelled!: () => void
    const over = new Promise<void>((resolve) => {
      cancelled = resolve
    })
    let signal: AbortSignal | undefined
    const at = await start({
      async fetch(request) {
        signal = request.signal
        return new Response(
          new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(1000)), cancel: () => cancelled() }),
        )
      },
    })
    const socket = connect(at('').port, '127.0.0.1')
    socket.write('GET /in/webhooks/x HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'data')
    socket.destroy()
    await over
    if (!name.startsWith('the App Router')) expect(signal?.aborted).toBe(true)
  })

  it('serves the next request of a connection whose body nobody read', async () => {
    const at = await start({ fetch: async () => new Response('no', { status: 401 }) })
    const socket = connect(at('').port, '127.0.0.1')
    let heard = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      heard += chunk
    })
    const body = 'x'.repeat(200_000)
    const lines = `POST /in/webhooks/x HTTP/1.1\r\nhost: x\r\ncontent-type: a/b\r\ncontent-length: ${body.length}\r\n\r\n`
    socket.write(lines + body)
    while (!heard.includes('401')) await once(socket, 'data')
    socket.write('GET /in/webhooks/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await once(socket, 'close')
    expect(heard.match(/HTTP\/1.1 401/g)).toHaveLength(2)
  })

  it('is the management API of a sender', async () => {
    const contract = defineContract({ events: defineEvents({ 'booking.created': {} }) })
    const hooks = createSender({ contract, storage: memoryStorage() })
    const keys: Record<string, string> = { 'Bearer a': 'acme', 'Bearer g': 'globex' }
    const api = createManagementApi(hooks as never, {
      contract,
      authorize({ headers }) {
        const tenant = keys[headers.get('authorization') ?? '']
        return tenant ? { tenants: [tenant] } : null
      },
    })
    const at = await start(api)
    const ask = async (method: string, path: string, more: object = {}, body?: object) => {
      const headers = { authorization: 'Bearer a', ...(body && { 'content-type': 'application/json' }), ...more }
      const sent = { method, headers, ...(body && { body: Buffer.from(JSON.stringify(body)) }) }
      const answer = await send(at(`/in/webhooks${path}`), sent)
      return { status: answer.status, value: answer.body ? JSON.parse(answer.body) : undefined }
    }
    const made = await ask('POST', '/v1/endpoints', {}, { url: 'https://acme.example/in', events: ['booking.created'] })
    expect(made.status).toBe(201)
    expect((await ask('GET', '/v1/endpoints/')).value.data).toMatchObject([{ id: made.value.id }])
    expect((await ask('GET', `/v1/endpoints/${made.value.id}`, { authorization: 'Bearer g' })).status).toBe(404)
    expect((await ask('GET', '/v1/endpoints', { authorization: 'Bearer x' })).status).toBe(401)
    expect((await ask('POST', '/v1/endpoints', { 'sec-fetch-site': 'cross-site' }, {})).status).toBe(403)
    expect((await ask('GET', '/nothing')).status).toBe(404)
    expect((await ask('DELETE', `/v1/endpoints/${made.value.id}`)).status).toBeLessThan(300)
    await hooks.stop()
  })

  it.runIf(name.startsWith('Express') || name === 'Fastify')(
    'sees the origin that browsers see, where it is told, and refuses a host that is none',
    async () => {
      const at = await start(echo, { origin: 'https://app.example' })
      const asked = JSON.parse((await send(at('/in/webhooks/x'), { method: 'GET' })).body)
      expect(asked.url).toBe('https://app.example/in/webhooks/x')
      const other = await start(echo)
      const answer = await send(other('/in/webhooks/x'), { method: 'GET', headers: { host: 'a b' } })
      expect(answer.status).toBe(400)
    },
  )

  it.runIf(name.startsWith('Express') || name === 'Fastify')('leaves what the handler throws to the host', async () => {
    const at = await start({
      fetch: () => Promise.reject(Object.assign(new Error('broken'), { status: 418, statusCode: 418 })),
    })
    expect((await send(at('/in/webhooks/x'), { method: 'GET' })).status).toBe(418)
  })
})

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
] as const)('a fetch handler behind a parser of %s', (_, make) => {
  it('gets the bytes that were kept, and says what is wrong where none were', async () => {
    const errors: { code?: string; hint?: string }[] = []
    const app = make()
    app.use('/kept', make.json({ verify: rawBody }), expressPortal(echo))
    app.use('/raw', make.raw({ type: () => true }), expressPortal(echo))
    app.use('/lost', make.json(), expressPortal(echo))
    app.use((error: object, _request: unknown, response: { statusCode: number; end(): void }, _next: unknown) => {
      errors.push(error)
      response.statusCode = 500
      response.end()
    })
    const serving = await listen(app)
    open.push(serving)
    const post = (path: string) =>
      send(
        { port: serving.port, path },
        { headers: { 'content-type': 'application/json' }, body: Buffer.from('{ "a":1.0}') },
      )
    for (const path of ['/kept', '/raw']) expect(JSON.parse((await post(path)).body).body).toBe('{ "a":1.0}')
    expect((await post('/lost')).status).toBe(500)
    expect(errors).toMatchObject([
      { code: 'body_unavailable', hint: expect.stringContaining('expressPortal() in front') },
    ])
  })
})
