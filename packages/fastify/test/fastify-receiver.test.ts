import { once } from 'node:events'
import { connect, type OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { fastifyReceiver } from '@hooks/fastify'
import { createReceiver, hmacFormat, part, type ReceivedRequest } from '@hooks/receiver'
import { signRequest } from '@hooks/receiver/testing'
import fastify, { type preParsingAsyncHookHandler } from 'fastify'
import rawBody from 'fastify-raw-body'
import { afterEach, describe, expect, it } from 'vitest'
import { closeServers, real, recorder, type Seen, sayAll, send, serve, sign, talk, utf8 } from './support.ts'

afterEach(closeServers)

/** The flat list of names and values, line by line. */
const lines = ({ request }: Seen) => {
  const flat = (request as ReceivedRequest).headers as readonly string[]
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : []))
}

describe('gives the receiver', () => {
  const bodies: [string, Uint8Array][] = [
    ['a byte order mark', utf8('\ufeff{"a":1}')],
    ['CRLF', utf8('{\r\n"a":1}\r\n')],
    ['a byte FF, which is no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['exactly 1 MiB', new Uint8Array(2 ** 20).fill(0x61)],
    ['nothing', new Uint8Array()],
  ]

  it.each(bodies)('the bytes as they came: %s', async (_, body) => {
    const { seen, receiver } = recorder()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    await send(port, { body, headers: { 'content-type': 'application/json' } })
    expect(Buffer.compare(seen.bytes as Uint8Array, body)).toBe(0)
  })

  it.each(bodies)(
    'the same bytes where a plugin keeps them as text, and a hook takes its time: %s',
    async (_, body) => {
      const { seen, receiver } = recorder()
      const app = fastify()
      await app.register(rawBody, { global: true })
      let kept: unknown
      app.addHook('preHandler', async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 30))
        kept = request.rawBody
      })
      const port = await serve(app.register(fastifyReceiver, { prefix: '/hooks', receiver }))
      await send(port, { body, headers: { 'content-type': 'application/json' } })
      expect(Buffer.compare(seen.bytes as Uint8Array, body)).toBe(0)
      expect(kept).toBeTypeOf('string')
    },
  )

  it.each([
    'application/json',
    'application/json; charset=latin1',
    'application/json; utf-8',
    'json',
    ';',
    '/',
    'text/plain, application/json',
    'multipart/form-data; boundary=x',
    undefined,
  ])('the bytes whatever the content-type says: %s', async (type) => {
    const { seen, receiver } = recorder()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    await send(port, { body: utf8('{"a":1.0}'), ...(type && { headers: { 'content-type': type } }) })
    expect(Buffer.from(seen.bytes as Uint8Array).toString()).toBe('{"a":1.0}')
    expect(lines(seen).find(([name]) => name === 'content-type')?.[1]).toBe(type)
  })

  it('the bytes of chunks, without a content-length', async () => {
    const { seen, receiver } = recorder()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    await send(port, { body: ['{"a"', ':', '1}'].map(utf8) })
    expect(Buffer.from(seen.bytes as Uint8Array).toString()).toBe('{"a":1}')
  })

  it('the bytes behind a hook that takes its time', async () => {
    const { seen, receiver } = recorder()
    const app = fastify().addHook('onRequest', () => new Promise((resolve) => setTimeout(resolve, 30)))
    const port = await serve(app.register(fastifyReceiver, { prefix: '/hooks', receiver }))
    await send(port, { body: utf8('{"a":1}') })
    expect(Buffer.from(seen.bytes as Uint8Array).toString()).toBe('{"a":1}')
  })

  it.each([
    ['the request', (request: object) => request],
    ["Node.js's request, as cloud functions do", (request: { raw: object }) => request.raw],
  ])('the bytes that the host kept as rawBody of %s', async (_, holder) => {
    const { seen, receiver } = recorder()
    const app = fastify()
    app.addHook('preParsing', async (request, _reply, payload) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of payload) chunks.push(chunk as Uint8Array)
      Object.assign(holder(request), { rawBody: Buffer.concat(chunks) })
    })
    const port = await serve(app.register(fastifyReceiver, { prefix: '/hooks', receiver }))
    await send(port, { body: utf8('{"a":1.0}') })
    expect(Buffer.from(seen.bytes as Uint8Array).toString()).toBe('{"a":1.0}')
  })

  it('each line of the headers, and the whole URL', async () => {
    const { seen, receiver } = recorder()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', url: '/:tenant', receiver }))
    await send(port, { path: '/hooks/acme?a=%2F&b', headers: { 'X-Twice': ['1', '2'] } })
    expect(seen.request?.url).toBe('/hooks/acme?a=%2F&b')
    expect(lines(seen).filter(([name]) => name === 'X-Twice')).toEqual([
      ['X-Twice', '1'],
      ['X-Twice', '2'],
    ])
  })

  it('the URL that the sender has, where a proxy changes it', async () => {
    const format = hmacFormat({
      name: 'signs-the-url',
      secret: 'text',
      body: { type: part.type, data: part.data },
      signature: { header: 'x-signature', over: [part.url, part.body] },
    })
    const secret = 'a secret of text, long enough'
    const receiver = createReceiver({ format, secret })
    const url = 'https://acme.example/in/hooks?a=1'
    const sent = await signRequest(format, secret, { type: 'a.b', url })
    const app = fastify()
    app.register(fastifyReceiver, { prefix: '/text', receiver, publicUrl: url })
    app.register(fastifyReceiver, {
      prefix: '/function',
      receiver,
      publicUrl: (request) => `https://acme.example/in/hooks${request.url.slice('/function'.length)}`,
    })
    app.register(fastifyReceiver, { prefix: '/none', receiver })
    const port = await serve(app)
    const statuses = ['/text', '/function?a=1', '/none?a=1'].map(
      async (path) => (await send(port, { ...sent, path })).status,
    )
    expect(await Promise.all(statuses)).toEqual([200, 200, 401])
  })
})

describe('receives', () => {
  it('an honest webhook, and answers with nothing of its own', async () => {
    const { receiver, handled } = real()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    const answer = await send(port, await sign())
    expect(answer).toMatchObject({ status: 200, body: '{"received":true}' })
    expect(answer.headers['content-type']).toBe('application/json')
    expect(handled).toEqual([{ n: 1 }])
  })

  it('in process, by inject', async () => {
    const { receiver } = real()
    const app = fastify().register(fastifyReceiver, { prefix: '/hooks', receiver })
    const { headers, body } = await sign()
    const answer = await app.inject({ method: 'POST', url: '/hooks', headers, payload: Buffer.from(body) })
    expect(answer.statusCode).toBe(200)
    await app.close()
  })

  it('with and without a slash at the end, and at the root', async () => {
    const { receiver } = real()
    const app = fastify()
    app.register(fastifyReceiver, { prefix: '/hooks', receiver })
    app.register(fastifyReceiver, { receiver })
    app.register(fastifyReceiver, { url: '/here', receiver })
    const port = await serve(app)
    for (const path of ['/hooks', '/hooks/', '/', '/here'])
      expect((await send(port, { path, ...(await sign()) })).status, path).toBe(200)
  })

  it('what comes, and leaves the parsers of the host alone', async () => {
    const { receiver } = real()
    const app = fastify()
    app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => done(null, { csv: body }))
    app.register(fastifyReceiver, { prefix: '/hooks', receiver })
    app.post('/other', (request, reply) => void reply.send(request.body))
    const port = await serve(app)
    const other = (type: string, body: string) =>
      send(port, { path: '/other', body: utf8(body), headers: { 'content-type': type } })
    expect((await other('application/json', '{"a":1}')).body).toBe('{"a":1}')
    expect((await other('text/csv', 'a,b')).body).toBe('{"csv":"a,b"}')
    expect((await other('application/x-unknown', 'a')).status).toBe(415)
    expect((await send(port, await sign())).status).toBe(200)
  })

  it("what the host's content-type parser for everything would have taken", async () => {
    const { receiver } = real()
    const app = fastify()
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    const port = await serve(app.register(fastifyReceiver, { prefix: '/hooks', receiver }))
    expect((await send(port, await sign())).status).toBe(200)
  })

  it("what another host's contract wants it to answer", async () => {
    const { receiver } = real({
      answers: { handled: [204], signature_mismatch: [401, { error: 'Signature invalide' }] },
    })
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    expect(await send(port, await sign())).toMatchObject({ status: 204, body: '' })
    const forged = await send(port, { ...(await sign()), body: utf8('{}') })
    expect(forged).toMatchObject({ status: 401, body: '{"error":"Signature invalide"}' })
  })
})

describe('refuses', () => {
  it('every other method, and says what it takes', async () => {
    const { receiver } = real()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      const body = method === 'TRACE' ? [] : utf8('{"a":1}')
      const answer = await send(port, { method, headers: { 'content-type': 'application/json' }, body })
      expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, 'POST'])
    }
  })

  it('a compressed body, whoever inflated it', async () => {
    const { receiver, handled } = real()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    const honest = await sign()
    const gzipped = {
      headers: { ...honest.headers, 'content-encoding': 'gzip' },
      body: gzipSync(honest.body),
    }
    expect(await send(port, gzipped)).toMatchObject({ status: 415, body: '{"error":"content_encoding"}' })
    expect(handled).toEqual([])
  })

  it('a header that came twice', async () => {
    const { receiver } = real()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    const honest = await sign()
    const twice = { ...honest, headers: { ...honest.headers, 'webhook-id': ['msg_1', 'msg_2'] } }
    expect(await send(port, twice)).toMatchObject({ status: 400, body: '{"error":"ambiguous_header"}' })
  })

  it.each<[string, preParsingAsyncHookHandler]>([
    [
      'has read',
      async (_request, _reply, payload) => {
        for await (const _ of payload);
        return payload
      },
    ],
    ['has made text of', async (_request, _reply, payload) => (payload as Readable).setEncoding('utf8')],
  ])('a body that a hook %s, as a mistake of the wiring that its log says how to mend', async (_, hook) => {
    const { receiver, errors, handled } = real()
    const app = fastify()
    app.addHook('preParsing', hook)
    const port = await serve(app.register(fastifyReceiver, { prefix: '/hooks', receiver }))
    expect(await send(port, await sign())).toMatchObject({ status: 500, body: '{"error":"body_unavailable"}' })
    expect(errors[0]?.err?.hint).toContain('rawBody, a Buffer')
    expect(handled).toEqual([])
  })

  it('too much, as soon as it is too much, and closes the connection', async () => {
    const { receiver } = real({ maxBodyBytes: 10_000 })
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
    const heads = ['transfer-encoding: chunked', 'transfer-encoding: chunked\r\ncontent-type: application/json']
    for (const head of heads) {
      const heard = await talk(port, [`POST /hooks HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n`, chunk, chunk, chunk])
      expect(heard).toContain('413 Payload Too Large')
      expect(heard.toLowerCase()).toContain('connection: close')
      expect(heard).toContain('{"error":"body_too_large"}')
    }
  })

  it('too much, in a way that a sender hears who listens only once all is said', async () => {
    const { receiver } = real({ maxBodyBytes: 10_000 })
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    expect(await sayAll(port, '/hooks', 20_000_000)).toBe('HTTP/1.1 413 Payload Too Large')
    const heard = await talk(port, [
      'POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n',
      'x'.repeat(11_000),
    ])
    expect(heard.toLowerCase()).toContain('connection: close')
  })

  it('too much over HTTP/2 too, whose stream ends with the answer, and whose connection stays', async () => {
    const { receiver } = real({ maxBodyBytes: 10_000 })
    const app = fastify({ http2: true })
    const closed: Promise<unknown>[] = []
    app.server.on('stream', (stream) => closed.push(once(stream, 'close')))
    await app.register(fastifyReceiver, { prefix: '/hooks', receiver }).listen({ port: 0, host: '127.0.0.1' })
    const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
    const ask = async (headers: OutgoingHttpHeaders, body: Uint8Array) => {
      const stream = session.request({ ':method': 'POST', ':path': '/hooks', ...headers })
      stream.resume().end(body)
      const [head] = await once(stream, 'response')
      await closed.at(-1)
      return head[':status']
    }
    // More than a stream's window: it is never sent whole unless somebody reads it.
    expect(await ask({}, new Uint8Array(1_000_000))).toBe(413)
    const { headers, body } = await sign()
    expect(await ask({ ...headers }, body)).toBe(200)
    session.destroy()
    await app.close()
  })

  it("too much by the receiver's limit, whatever the server's own is", async () => {
    const body = utf8('x'.repeat(5_000))
    const large = recorder(10_000)
    const small = recorder(1_000)
    const app = fastify({ bodyLimit: 100 })
    app.register(fastifyReceiver, { prefix: '/large', receiver: large.receiver })
    app.register(fastifyReceiver, { prefix: '/small', receiver: small.receiver })
    const port = await serve(app)
    await send(port, { path: '/large', body })
    expect(large.seen.bytes?.length).toBe(5_000)
    await send(port, { path: '/small', body })
    expect(small.seen.bytes?.length).toBeGreaterThan(1_000)
  })

  it.each([
    ['with a content-length', 'POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', '{"a":1'],
    ['in chunks', 'POST /hooks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n', '5\r\nhello\r\n'],
    ['before its first byte', 'POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', ''],
  ])('a body that breaks off, %s, without handling, hanging, or an unhandled rejection', async (_, head, body) => {
    const { seen, receiver, settled } = recorder()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    await talk(port, [head, body], true)
    await settled
    expect(seen.bytes).toBeUndefined()
    expect(seen.failure).toBeInstanceOf(Error)
  })

  it('a broken-off body of a method that it does not take, without an unhandled rejection', async () => {
    const { receiver } = real()
    const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
    await talk(port, ['PUT /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', '{'], true)
    expect((await send(port, await sign())).status).toBe(200)
  })
})

it('keeps what comes at the same time apart', async () => {
  const { receiver, handled } = real()
  const port = await serve(fastify().register(fastifyReceiver, { prefix: '/hooks', receiver }))
  const answers = Array.from({ length: 20 }, async (_, n) => {
    const honest = await sign({ data: { n, fill: 'x'.repeat(n * 1_000) } })
    return (await send(port, n % 2 ? honest : { ...honest, body: utf8('{}') })).status
  })
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, (_, n) => (n % 2 ? 200 : 401)))
  expect(handled.map((data) => (data as { n: number }).n).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 10 }, (_, n) => 2 * n + 1),
  )
})

it('leaves what fails while it answers to the error handler of the host', async () => {
  const { receiver } = recorder()
  const app = fastify().setErrorHandler((error: Error, _request, reply) => reply.code(599).send(error.message))
  app.register(fastifyReceiver, {
    prefix: '/hooks',
    receiver: { ...receiver, handle: () => Promise.reject(new Error('broken')) },
  })
  expect(await send(await serve(app), {})).toMatchObject({ status: 599, body: 'broken' })
})

it('refuses a path that another route of the host has, when the server starts', async () => {
  const { receiver } = real()
  const app = fastify()
  app.get('/hooks', () => 'taken')
  app.register(fastifyReceiver, { prefix: '/hooks', receiver })
  await expect(app.ready()).rejects.toMatchObject({ code: 'FST_ERR_DUPLICATED_ROUTE' })
})
