import { createHmac } from 'node:crypto'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { silentLogger } from '@hooks/core'
import { createReceiver, memoryIdempotency, type Receiver } from '@hooks/receiver'
import express5 from 'express'
// @ts-expect-error the alias of the older version has no types of its own
import express4 from 'express4'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { expressReceiver, rawBody } from '../src/index.ts'

const KEY = Buffer.alloc(32, 7)
const SECRET = `whsec_${KEY.toString('base64')}`
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function listen(app: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(app as never).listen(0, '127.0.0.1')
  servers.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

function signed(body: Uint8Array, id = 'msg_1'): Record<string, string> {
  const time = String(Math.floor(Date.now() / 1000))
  const mac = createHmac('sha256', KEY).update(`${id}.${time}.`).update(body).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': `v1,${mac}` }
}

interface Sending {
  readonly headers?: Record<string, string | string[]>
  readonly path?: string
  readonly method?: string
  readonly chunks?: number
}

/** One request over a real socket, with no content type unless it is given. */
function post(
  port: number,
  body: Uint8Array,
  { headers = {}, path = '/webhooks', method = 'POST', chunks = 1 }: Sending = {},
) {
  return new Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, path, method, headers: { ...signed(body), ...headers } },
      async (response) => {
        const parts: Buffer[] = []
        for await (const part of response) parts.push(part)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() })
      },
    )
    sent.on('error', reject)
    const size = Math.ceil(body.length / chunks) || 1
    if (chunks > 1) for (let i = 0; i < body.length; i += size) sent.write(body.subarray(i, i + size))
    sent.end(chunks > 1 ? undefined : body)
  })
}

const text = (json: string) => Buffer.from(json)
const message = (data: string) => text(`{"type":"t","timestamp":"2026-01-01T00:00:00.000Z","data":${data}}`)

for (const [version, express] of [
  ['4', express4 as unknown as typeof express5],
  ['5', express5],
] as const) {
  describe(`the receiver behind Express ${version}`, () => {
    /** What the handler got, and an app with the receiver at /webhooks. */
    async function serve(
      options: {
        before?: (app: ReturnType<typeof express5>) => void
        limit?: number
        after?: (app: ReturnType<typeof express5>) => void
      } = {},
    ) {
      const got: unknown[] = []
      const logged: { code?: string; err?: Error }[] = []
      const log = (fields: object) => void logged.push(fields)
      const receiver: Receiver = createReceiver({
        secret: SECRET,
        idempotency: memoryIdempotency(),
        logger: { debug() {}, info() {}, warn: log, error: log },
      })
      receiver.on('t', ({ data }) => void got.push(data))
      const app = express()
      options.before?.(app)
      app.post(
        '/webhooks',
        expressReceiver(receiver, options.limit === undefined ? {} : { limit: options.limit }) as never,
      )
      options.after?.(app)
      return { got, logged, port: await listen(app as never) }
    }

    const bodies: [string, Buffer][] = [
      ['an emoji', message('"🎉 é"')],
      ['escapes and odd numbers', message('{"a":"\\u00e9","b":1.0,"c":1e2,"2":0,"1":0}')],
      ['line breaks', Buffer.concat([text('\r\n  '), message('1'), text('\r\n')])],
      ['1 MiB less its frame', message(`"${'x'.repeat(2 ** 20 - 100)}"`)],
    ]
    for (const [what, body] of bodies) {
      it(`hands on ${what}, byte for byte`, async () => {
        const { got, port } = await serve()
        for (const sending of [
          { headers: { 'content-type': 'application/json' } },
          { chunks: 7 },
          { headers: { 'content-type': 'text/plain' } },
        ]) {
          const id = `msg_${got.length}`
          expect(
            await post(port, body, { ...sending, headers: { ...sending.headers, ...signed(body, id) } }),
          ).toMatchObject({ status: 200, body: '{"received":true}' })
        }
        expect(got).toEqual(Array(3).fill(JSON.parse(body.toString()).data))
      })
    }

    it('verifies a byte order mark and bytes that are no UTF-8 as they are, and then refuses them as payload', async () => {
      const { got, port } = await serve()
      for (const body of [
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), message('1')]),
        Buffer.from([0x7b, 0xff, 0x7d]),
        Buffer.alloc(0),
      ]) {
        expect(await post(port, body, { headers: { 'content-length': String(body.length) } })).toMatchObject({
          status: 500,
          body: '{"error":"payload_invalid"}',
        })
      }
      expect(got).toEqual([])
    })

    it('refuses one changed byte', async () => {
      const { got, port } = await serve()
      const headers = signed(message('100'))
      expect(await post(port, message('900'), { headers })).toMatchObject({
        status: 401,
        body: '{"error":"signature_mismatch"}',
      })
      expect(got).toEqual([])
    })

    it('leaves the parsers of other routes alone', async () => {
      const { port } = await serve({
        after(app) {
          app.use(express.json())
          app.post('/other', (request, response) => void response.json(request.body))
        },
      })
      const answer = await post(port, text('{"a":1}'), {
        path: '/other',
        headers: { 'content-type': 'application/json' },
      })
      expect(answer.body).toBe('{"a":1}')
    })

    it('says at once that a parser was before it, and how to mend that', async () => {
      const { got, logged, port } = await serve({ before: (app) => void app.use(express.json()) })
      const answer = await post(port, message('1'), { headers: { 'content-type': 'application/json' } })
      expect(answer).toMatchObject({ status: 500, body: '{"error":"body_unavailable"}' })
      expect(got).toEqual([])
      expect(`${logged[0]?.err?.message} ${JSON.stringify(logged[0]?.err)}`).toMatch(
        /before express\.json\(\)|raw bytes|rawBody/,
      )
    })

    it('takes the bytes that a parser was told to keep', async () => {
      const { got, port } = await serve({ before: (app) => void app.use(express.json({ verify: rawBody })) })
      const answer = await post(port, message('{ "b": 1.0 }'), { headers: { 'content-type': 'application/json' } })
      expect(answer.status).toBe(200)
      expect(got).toEqual([{ b: 1 }])
    })

    it('takes the bytes of express.raw()', async () => {
      const { got, port } = await serve({
        before: (app) => void app.use(express.raw({ type: () => true, limit: '1mb' })),
      })
      expect((await post(port, message('1'))).status).toBe(200)
      expect(got).toEqual([1])
    })

    it('refuses a compressed body, whoever inflated it', async () => {
      const { got, port } = await serve()
      const body = gzipSync(message('1'))
      expect(await post(port, body, { headers: { 'content-encoding': 'gzip' } })).toMatchObject({ status: 415 })
      expect(got).toEqual([])
    })

    it('refuses too large a body, declared or counted, and reads no more of it', async () => {
      const { got, port } = await serve({ limit: 1_000 })
      const body = message(`"${'x'.repeat(5_000)}"`)
      for (const chunks of [1, 5]) {
        const outcome = await post(port, body, { chunks }).catch((error) => error)
        expect(outcome.status ?? outcome.code).toSatisfy(
          (seen: unknown) => seen === 413 || seen === 'ECONNRESET' || seen === 'EPIPE',
        )
      }
      expect(got).toEqual([])
    })

    it('refuses a header that came twice', async () => {
      const { got, port } = await serve()
      const headers = signed(message('1'))
      const twice = { ...headers, 'webhook-id': ['msg_1', 'msg_2'] }
      expect(await post(port, message('1'), { headers: twice })).toMatchObject({
        status: 400,
        body: '{"error":"ambiguous_header"}',
      })
      expect(got).toEqual([])
    })

    it('stays alive when a sender breaks off', async () => {
      const { got, port, logged } = await serve()
      const socket = connect(port, '127.0.0.1')
      socket.write('POST /webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"type"')
      await new Promise((resolve) => setTimeout(resolve, 50))
      socket.destroy()
      await vi.waitFor(() => expect(logged.map(({ code }) => code)).toContain('body_incomplete'))
      expect((await post(port, message('1'))).status).toBe(200)
      expect(got).toEqual([1])
    })

    it('does not blame a parser where the sender broke off before the body was looked at', async () => {
      const { port, logged } = await serve({
        before: (app) => void app.use((_request, _response, next) => void setTimeout(next, 100)),
      })
      const socket = connect(port, '127.0.0.1')
      socket.write('POST /webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n')
      await new Promise((resolve) => setTimeout(resolve, 30))
      socket.destroy()
      await vi.waitFor(() => expect(logged.map(({ code }) => code)).toEqual(['body_incomplete']))
    })

    it('answers 405 to other methods where it is mounted for all', async () => {
      const receiver = createReceiver({ secret: SECRET })
      const app = express()
      app.use('/all', expressReceiver(receiver))
      const answer = await post(await listen(app as never), Buffer.alloc(0), { path: '/all', method: 'PUT' })
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    })

    it('does the work of 200 copies once, and tells none of them that it is done before it is', async () => {
      let done = 0
      let tries = 0
      const early: unknown[] = []
      const receiver = createReceiver({ secret: SECRET, idempotency: memoryIdempotency(), logger: silentLogger })
      receiver.on('t', async () => {
        if (++tries === 1) throw new Error('the first try fails')
        await new Promise((resolve) => setTimeout(resolve, 20))
        done++
      })
      const app = express()
      app.post('/webhooks', expressReceiver(receiver))
      const port = await listen(app as never)
      const copies = Array.from({ length: 200 }, async () => {
        const { status } = await post(port, message('1'))
        if (status === 200 && done === 0) early.push(status)
        return status
      })
      const statuses = await Promise.all(copies)
      expect(early).toEqual([])
      expect(statuses.every((status) => status === 200 || status === 500)).toBe(true)
      expect((await post(port, message('1'))).status).toBe(200)
      expect(done).toBe(1)
    })
  })
}
