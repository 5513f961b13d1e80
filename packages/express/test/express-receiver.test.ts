import { once } from 'node:events'
import { connect, createServer, type OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { silentLogger } from '@hooks/core'
import { expressReceiver, rawBody } from '@hooks/express'
import {
  createReceiver,
  hmacFormat,
  memoryIdempotency,
  part,
  type ReceivedRequest,
  type RequestHandler,
  standardWebhooks,
} from '@hooks/receiver'
import { type SignedMessage, signRequest } from '@hooks/receiver/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { closeServers, type Express, sayAll, send, serve, talk, versions } from './support.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const utf8 = (text: string) => new TextEncoder().encode(text)
const sign = (message: Partial<SignedMessage> = {}) =>
  signRequest(standardWebhooks(), SECRET, { type: 'booking.created', data: { n: 1 }, ...message })

/** What a receiver was given, as it came. */
interface Seen {
  bytes?: Uint8Array | undefined
  failure?: { code?: string; hint?: string }
  request?: ReceivedRequest
}

/** A receiver that takes everything, and keeps what it is given. */
function recorder(maxBodyBytes = 2 ** 20) {
  const seen: Seen = {}
  const receiver: RequestHandler = {
    maxBodyBytes,
    async handle(request) {
      seen.request = request
      const read = request.body as () => Promise<Uint8Array | undefined>
      try {
        seen.bytes = await read()
      } catch (error) {
        seen.failure = error as NonNullable<Seen['failure']>
      }
      const outcome = seen.failure?.code ?? 'handled'
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{}', outcome }
    },
  }
  return { seen, receiver }
}

/** A Standard Webhooks receiver, the lines of its log, and what its handler got. */
function real(options: object = {}) {
  const errors: { code: string; err?: { hint?: string } }[] = []
  const handled: unknown[] = []
  const silent = { debug() {}, info() {}, warn: (fields: object) => errors.push(fields as never) }
  const logger = { ...silent, error: (fields: object) => errors.push(fields as never) }
  const receiver = createReceiver({ secret: SECRET, idempotency: memoryIdempotency(), logger, ...options }).on(
    'booking.created',
    ({ data }) => handled.push(data),
  )
  return { receiver, errors, handled }
}

afterEach(closeServers)

describe.each(versions)('%s', (_, express: Express) => {
  const bodies: [string, Uint8Array][] = [
    ['a byte order mark', utf8('\ufeff{"a":1}')],
    ['CRLF', utf8('{\r\n"a":1}\r\n')],
    ['a byte FF, which is no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['an emoji', utf8('{"a":"👩‍🚀"}')],
    ['1.0', utf8('{"n":1.0}')],
    ['an escaped letter', utf8('{"a":"\\u00e9"}')],
    ['exactly 1 MiB', new Uint8Array(2 ** 20).fill(0x61)],
    ['nothing', new Uint8Array()],
  ]

  describe('gives the receiver the bytes as they came', () => {
    it.each(bodies)('of %s', async (_, body) => {
      const { seen, receiver } = recorder()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      await send(port, { body, headers: { 'content-type': 'application/json' } })
      expect(Buffer.compare(seen.bytes as Uint8Array, body)).toBe(0)
    })

    it.each(bodies)('of %s, kept by a parser that must come first', async (_, body) => {
      const { seen, receiver } = recorder()
      const app = express()
      app.use(express.json({ verify: rawBody, strict: false, limit: '2mb' }))
      app.post('/hooks', expressReceiver(receiver))
      app.use((_error: unknown, _request: unknown, response: { end(): void }, _next: unknown) => response.end())
      await send(await serve(app), { body, headers: { 'content-type': 'application/json' } })
      // What is not JSON ends in the parser.
      const isJson = (() => {
        try {
          return Boolean(JSON.parse(Buffer.from(body).toString().replace('\ufeff', '')))
        } catch {
          return body.length === 0
        }
      })()
      if (isJson) expect(Buffer.compare(seen.bytes as Uint8Array, body)).toBe(0)
      else expect(seen.bytes).toBeUndefined()
    })

    it.each(bodies)('of %s, behind express.raw()', async (_, body) => {
      const { seen, receiver } = recorder()
      const app = express().post('/hooks', express.raw({ type: () => true, limit: '2mb' }), expressReceiver(receiver))
      await send(await serve(app), { body })
      expect(Buffer.compare(seen.bytes as Uint8Array, body)).toBe(0)
    })

    it.each([
      'application/json',
      'application/json; charset=latin1',
      'text/plain',
      'application/x-www-form-urlencoded',
      undefined,
    ])('whatever the content-type says: %s', async (type) => {
      const { seen, receiver } = recorder()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      await send(port, { body: utf8('{"a":1.0}'), ...(type && { headers: { 'content-type': type } }) })
      expect(Buffer.from(seen.bytes as Uint8Array).toString()).toBe('{"a":1.0}')
    })

    it('in chunks, without a content-length', async () => {
      const { seen, receiver } = recorder()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      await send(port, { body: ['{"a"', ':', '1}'].map(utf8) })
      expect(Buffer.from(seen.bytes as Uint8Array).toString()).toBe('{"a":1}')
    })

    it('behind a middleware that takes its time', async () => {
      const { seen, receiver } = recorder()
      const app = express()
      app.use((_request, _response, next) => void setTimeout(next, 30))
      app.post('/hooks', expressReceiver(receiver))
      await send(await serve(app), { body: utf8('{"a":1}') })
      expect(Buffer.from(seen.bytes as Uint8Array).toString()).toBe('{"a":1}')
    })

    it('with the headers as they came, each line apart, and the URL before routers cut it', async () => {
      const { seen, receiver } = recorder()
      const router = express.Router().post('/in', expressReceiver(receiver))
      const port = await serve(express().use('/hooks', router))
      await send(port, { path: '/hooks/in?a=%2F&b', headers: { 'X-Twice': ['1', '2'] } })
      expect(seen.request?.url).toBe('/hooks/in?a=%2F&b')
      expect(seen.request?.method).toBe('POST')
      const flat = seen.request?.headers as readonly string[]
      const lines = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : []))
      expect(lines.filter(([name]) => name === 'X-Twice')).toEqual([
        ['X-Twice', '1'],
        ['X-Twice', '2'],
      ])
    })
  })

  describe('receives', () => {
    it('an honest webhook, without any parser, and answers when it is handled', async () => {
      const { receiver, handled } = real()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      const answer = await send(port, await sign())
      expect(answer).toMatchObject({ status: 200, body: '{"received":true}' })
      expect(answer.headers['content-type']).toBe('application/json')
      expect(handled).toEqual([{ n: 1 }])
    })

    it('110 kB and 256 KiB, which parsers refuse by default', async () => {
      const { receiver } = real()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      for (const size of [110_000, 262_144]) {
        expect((await send(port, await sign({ data: 'x'.repeat(size) }))).status).toBe(200)
      }
    })

    it('mounted by use, by all, in a router, and beside other routes', async () => {
      const { receiver } = real()
      const app = express()
      app.use('/used', expressReceiver(receiver))
      app.all('/all', expressReceiver(receiver))
      app.use(express.json())
      app.post('/other', (request, response) => void response.json(request.body))
      const port = await serve(app)
      for (const path of ['/used', '/used/deeper', '/all']) {
        expect((await send(port, { path, ...(await sign()) })).status).toBe(200)
      }
      const other = await send(port, {
        path: '/other',
        body: utf8('{"a":1}'),
        headers: { 'content-type': 'application/json' },
      })
      expect(other.body).toBe('{"a":1}')
    })

    it('the same webhook twice and handles it once', async () => {
      const { receiver, handled } = real()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      const sent = await sign()
      expect([(await send(port, sent)).status, (await send(port, sent)).status]).toEqual([200, 200])
      expect(handled.length).toBe(1)
    })

    it("what another host's contract wants it to answer", async () => {
      const { receiver } = real({
        answers: { handled: [204], signature_mismatch: [401, { error: 'Signature invalide' }] },
      })
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      expect(await send(port, await sign())).toMatchObject({ status: 204, body: '' })
      const forged = await send(port, { ...(await sign()), body: utf8('{}') })
      expect(forged).toMatchObject({ status: 401, body: '{"error":"Signature invalide"}' })
    })
  })

  describe('refuses', () => {
    it.each([
      ['no signature', 400, { 'webhook-signature': undefined }],
      ['a junk signature', 401, { 'webhook-signature': 'abc' }],
      ['a signature of two-byte letters', 401, { 'webhook-signature': Buffer.from('v1,é', 'utf8').toString('latin1') }],
      ['an id in two lines, which Node.js joins', 400, { 'webhook-id': ['msg_1', 'msg_2'] }],
      ['a signature in two lines', 400, { 'webhook-signature': ['v1,a', 'v1,b'] }],
      ['a compressed body', 415, { 'content-encoding': 'gzip' }],
      ['a time that is none', 400, { 'webhook-timestamp': 'now' }],
    ])('%s, and goes on serving', async (_, status, headers) => {
      const { receiver } = real()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      const honest = await sign()
      const changed = Object.entries({ ...honest.headers, ...headers }).filter(([, value]) => value !== undefined)
      expect(
        (await send(port, { ...honest, headers: Object.fromEntries(changed) as Record<string, string> })).status,
      ).toBe(status)
      expect((await send(port, honest)).status).toBe(200)
    })

    it('GET, and says what it takes', async () => {
      const { receiver } = real()
      const port = await serve(express().use('/hooks', expressReceiver(receiver)))
      const answer = await send(port, { method: 'GET' })
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST'])
    })

    it('a body that express.json() has read, as a mistake of the wiring that its log says how to mend', async () => {
      const { receiver, errors, handled } = real()
      const app = express()
      app.use(express.json())
      app.post('/hooks', expressReceiver(receiver))
      const port = await serve(app)
      expect(await send(port, await sign())).toMatchObject({ status: 500, body: '{"error":"body_unavailable"}' })
      expect(errors[0]?.code).toBe('body_unavailable')
      expect(errors[0]?.err?.hint).toContain('in front of express.json()')
      expect(errors[0]?.err?.hint).toContain('express.json({ verify: rawBody })')
      expect(handled).toEqual([])
    })

    it.each([
      ['express.text()', (app: ReturnType<Express>) => app.use(express.text({ type: () => true }))],
      [
        'express.urlencoded()',
        (app: ReturnType<Express>) => app.use(express.urlencoded({ extended: true, type: () => true })),
      ],
      [
        'a middleware that drains it',
        (app: ReturnType<Express>) =>
          app.use((request, _response, next) => void request.resume().on('end', () => next())),
      ],
      [
        'nobody yet, and is decoded as it is read',
        (app: ReturnType<Express>) =>
          app.use((request, _response, next) => {
            request.setEncoding('utf8')
            next()
          }),
      ],
    ])('a body that was read by %s', async (_, use) => {
      const { receiver } = real()
      const app = express()
      use(app)
      app.post('/hooks', expressReceiver(receiver))
      expect((await send(await serve(app), await sign())).status).toBe(500)
    })

    it('a body that a parser has inflated: what was signed is not what is left', async () => {
      const { receiver, handled } = real()
      const honest = await sign()
      const gzipped = {
        ...honest,
        headers: { ...honest.headers, 'content-encoding': 'gzip' },
        body: gzipSync(honest.body),
      }
      for (const parser of [express.json({ verify: rawBody }), express.raw({ type: () => true })]) {
        const port = await serve(express().post('/hooks', parser, expressReceiver(receiver)))
        expect((await send(port, gzipped)).status).toBe(415)
      }
      expect(handled).toEqual([])
    })

    it('too much by its content-length, before it reads any of it, and closes the connection', async () => {
      const { receiver } = real()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      const heard = await talk(port, ['POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n', 'x'])
      expect(heard).toContain('413 Payload Too Large')
      expect(heard.toLowerCase()).toContain('connection: close')
      expect(heard).toContain('{"error":"body_too_large"}')
    })

    it('too much, in a way that a sender hears who listens only once all is said', async () => {
      const { receiver } = real()
      const port = await serve(express().post('/hooks', expressReceiver(receiver)))
      expect(await sayAll(port, '/hooks', 20_000_000)).toBe('HTTP/1.1 413 Payload Too Large')
    })

    it('too much by the bytes that come, as soon as they are too many', async () => {
      const { receiver } = real()
      const port = await serve(express().post('/hooks', expressReceiver(receiver, { limit: 10_000 })))
      const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
      const heard = await talk(port, [
        'POST /hooks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n',
        chunk,
        chunk,
        chunk,
      ])
      expect(heard).toContain('413 Payload Too Large')
    })

    it('too much of what a parser kept', async () => {
      const { receiver } = real()
      const port = await serve(
        express().post('/hooks', express.raw({ type: () => true }), expressReceiver(receiver, { limit: 10 })),
      )
      expect((await send(port, await sign())).status).toBe(413)
    })

    it.each(['1mb', Number.NaN, -1, Number.POSITIVE_INFINITY])('a limit that would be none: %s', (limit) => {
      const { receiver } = real()
      expect(() => expressReceiver(receiver, { limit: limit as number })).toThrow(
        expect.objectContaining({ code: 'option_invalid', hint: expect.stringContaining('1mb') }),
      )
    })

    it('more than the receiver takes, whatever limit it is given', async () => {
      const { seen, receiver } = recorder(50)
      const port = await serve(express().post('/hooks', expressReceiver(receiver, { limit: 1e9 })))
      await send(port, { body: new Uint8Array(51) })
      expect(seen.failure?.code).toBe('body_too_large')
    })

    it.each([
      ['with a content-length', 'POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', '{"a":1'],
      ['in chunks', 'POST /hooks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n', '5\r\nhello\r\n'],
    ])('a body that breaks off, %s, without handling or hanging', async (_, head, body) => {
      let settle!: (seen: Seen) => void
      const settled = new Promise<Seen>((resolve) => {
        settle = resolve
      })
      const { seen, receiver } = recorder()
      const watched: RequestHandler = {
        ...receiver,
        async handle(request) {
          const answer = await receiver.handle(request)
          settle(seen)
          return answer
        },
      }
      const port = await serve(express().post('/hooks', expressReceiver(watched)))
      await talk(port, [head, body], true)
      expect((await settled).failure?.code).toBe('body_incomplete')
    })

    it('a sender who hung up before it was asked for its body', async () => {
      const { seen, receiver } = recorder()
      let asked!: () => void
      const done = new Promise<void>((resolve) => {
        asked = resolve
      })
      const app = express()
      app.use((request, _response, next) => void request.on('close', () => setImmediate(next)))
      app.post('/hooks', expressReceiver({ ...receiver, handle: (request) => receiver.handle(request).finally(asked) }))
      const port = await serve(app)
      await talk(port, ['POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n'], true)
      await done
      expect(seen.failure?.code).toBe('body_incomplete')
    })
  })

  it('hands what fails while it answers to the host', async () => {
    const { receiver } = recorder()
    const app = express()
    app.post('/hooks', expressReceiver({ ...receiver, handle: () => Promise.reject(new Error('broken')) }))
    app.use(
      (error: Error, _request: unknown, response: { statusCode: number; end(text: string): void }, _next: unknown) => {
        response.statusCode = 599
        response.end(error.message)
      },
    )
    expect(await send(await serve(app), {})).toMatchObject({ status: 599, body: 'broken' })
  })

  it('lets the process live, whatever a stranger sends, with a secret of another product', async () => {
    const lokroom = hmacFormat({
      name: 'lokroom',
      secret: 'text',
      body: { event: part.type, data: part.data },
      signature: { header: 'x-lok-signature' },
    })
    const receiver = createReceiver({ format: lokroom, secret: 'a secret of text, long enough', logger: silentLogger })
    receiver.onUnknown(() => Promise.reject(new Error('the queue is down')))
    const port = await serve(express().post('/hooks', expressReceiver(receiver)))
    for (const signature of ['abc', '', `${'a'.repeat(63)}\u00e9`, 'sha256=00', 'zz'.repeat(32)]) {
      const { status } = await send(port, { headers: { 'x-lok-signature': signature }, body: utf8('{}') })
      expect([400, 401]).toContain(status)
    }
    const honest = await signRequest(lokroom, 'a secret of text, long enough', { type: 'a.b' })
    expect((await send(port, honest)).status).toBe(500)
  })
})

it('ends the stream of too large a body over HTTP/2, as Connect can have it, and keeps the connection', async () => {
  const { receiver } = real({ maxBodyBytes: 10_000 })
  const middleware = expressReceiver(receiver)
  const server = createServer((request, response) => middleware(request as never, response as never, () => {}))
  const closed: Promise<unknown>[] = []
  server.on('stream', (stream) => closed.push(once(stream, 'close')))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
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
  await new Promise((resolve) => server.close(resolve))
})
