import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { nextPagesReceiver, type PagesRequest } from '@hooks/nextjs'
import { afterEach, describe, expect, it } from 'vitest'
import { real, recorder, sayAll, sign, signedUrl, utf8 } from './support.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

/** Serves an API route as the Pages Router calls it. */
async function serve(handler: (request: PagesRequest, response: never) => Promise<void>): Promise<string> {
  const server = createServer((request, response) => void handler(request, response as never)).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/webhooks`
}

/** Some other code that reads the body before the route does. */
const readFirst = async (request: PagesRequest): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request.iterator({ destroyOnReturn: false })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('an API route of the Pages Router', () => {
  it.each([
    ['a byte order mark', utf8('\ufeff{"a":1}')],
    ['a byte FF, which is no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['exactly 1 MiB', new Uint8Array(2 ** 20).fill(0x61)],
    ['nothing', new Uint8Array()],
  ])('gives the receiver the bytes as they came: %s', async (_, body) => {
    const { seen, receiver } = recorder()
    await fetch(await serve(nextPagesReceiver(receiver)), { method: 'POST', body })
    expect(Buffer.compare(seen.bytes as Uint8Array, body)).toBe(0)
  })

  it('answers what the receiver answers', async () => {
    const { receiver, handled } = real()
    const url = await serve(nextPagesReceiver(receiver))
    const answer = await fetch(url, await sign())
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'application/json',
      '{"received":true}',
    ])
    expect(handled).toEqual([{ n: 1 }])
    const other = await fetch(url)
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('says that Next.js has parsed the body, and which line keeps it from that', async () => {
    const { receiver, errors, handled } = real()
    const handler = nextPagesReceiver(receiver)
    const url = await serve(async (request, response) => {
      await readFirst(request)
      await handler(request, response)
    })
    const answer = await fetch(url, await sign())
    expect([answer.status, await answer.text()]).toEqual([500, '{"error":"body_unavailable"}'])
    expect(errors[0]?.err?.hint).toContain('export const config = { api: { bodyParser: false } }')
    expect(handled).toEqual([])
  })

  it('says the same of a body that becomes text as it is read', async () => {
    const { receiver, errors, handled } = real()
    const handler = nextPagesReceiver(receiver)
    const url = await serve((request, response) => handler(request.setEncoding('utf8'), response))
    expect((await fetch(url, await sign())).status).toBe(500)
    expect(errors[0]?.code).toBe('body_unavailable')
    expect(handled).toEqual([])
  })

  it('takes the bytes that a host kept', async () => {
    const handler = nextPagesReceiver(real().receiver)
    const url = await serve(async (request, response) => {
      const rawBody = await readFirst(request)
      await handler(Object.assign(request, { rawBody }), response)
    })
    expect((await fetch(url, await sign())).status).toBe(200)
  })

  it('refuses a header that came twice', async () => {
    const { receiver, errors } = real()
    const { port } = new URL(await serve(nextPagesReceiver(receiver)))
    const socket = connect(Number(port), '127.0.0.1')
    socket.end('POST / HTTP/1.1\r\nhost: x\r\nwebhook-id: a\r\nwebhook-id: b\r\ncontent-length: 0\r\n\r\n')
    const [head] = await once(socket, 'data')
    expect(String(head)).toContain('400 Bad Request')
    expect(errors[0]?.code).toBe('ambiguous_header')
    socket.destroy()
  })

  it('closes the connection of a body that is too large, and does not say how large', async () => {
    const url = await serve(nextPagesReceiver(real({ maxBodyBytes: 1_000 }).receiver))
    const body = new Blob([new Uint8Array(2_000)]).stream()
    const answer = await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect([answer.status, answer.headers.get('connection')]).toEqual([413, 'close'])
  })

  it('answers one that is too large so that a sender hears it who listens only once all is said', async () => {
    const url = await serve(nextPagesReceiver(real({ maxBodyBytes: 1_000 }).receiver))
    expect(await sayAll(Number(new URL(url).port), '/', 20_000_000)).toBe('HTTP/1.1 413 Payload Too Large')
  })

  it('neither hangs nor handles where the sender breaks off', async () => {
    const { seen, receiver, settled } = recorder()
    const { port } = new URL(await serve(nextPagesReceiver(receiver)))
    const socket = connect(Number(port), '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"a"')
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.destroy()
    await settled
    expect(seen.failure).toBeInstanceOf(Error)
  })

  it('hands on what keeps the function alive', async () => {
    const { seen, receiver } = recorder()
    const kept: Promise<unknown>[] = []
    const waitUntil = (promise: Promise<unknown>) => void kept.push(promise)
    await fetch(await serve(nextPagesReceiver(receiver, { waitUntil })), { method: 'POST' })
    const work = Promise.resolve()
    seen.request?.waitUntil?.(work)
    expect(kept).toEqual([work])
  })

  it('verifies a signature over the URL under the one that the sender has', async () => {
    const publicUrl = 'https://acme.example/in/webhooks?a=1'
    const { receiver, sent } = await signedUrl(publicUrl)
    expect((await fetch(await serve(nextPagesReceiver(receiver)), sent)).status).toBe(401)
    expect((await fetch(await serve(nextPagesReceiver(receiver, { publicUrl })), sent)).status).toBe(200)
    const made = await serve(
      nextPagesReceiver(receiver, { publicUrl: ({ url }) => `https://acme.example/in${url?.slice(4)}` }),
    )
    expect((await fetch(`${made}?a=1`, sent)).status).toBe(200)
  })
})
