import { createServer } from 'node:net'
import { type Clock, systemClock } from '@hooks/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { createResolver } from '../../src/http/resolver.ts'
import type { Resolver, TransportRequest } from '../../src/seams.ts'
import { dnsPeer, fakeResolver, gist, nextTurn, tcpPeer, testTransport } from './network.ts'
import { OK, onRequest, replies } from './play.ts'

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Never answers, and does not even look at its signal. */
const deaf: Resolver = { resolve: () => new Promise(() => {}) }

describe('a request', () => {
  it('arrives as it was given, byte for byte', async () => {
    const peer = await tcpPeer(replies(OK))
    const body = Buffer.from([0, 1, 0xef, 0xbb, 0xbf, 0xff, 0x0a])
    const headers = { 'content-type': 'application/json', 'accept-encoding': 'identity', 'webhook-id': 'msg_1' }
    await testTransport().post(`http://a.example:${peer.port}/a%20b//c?d=%2f&e`, { body, headers })
    expect(peer.received()).toBe(
      `POST /a%20b//c?d=%2f&e HTTP/1.1\r\nhost: a.example:${peer.port}\r\nconnection: keep-alive\r\n` +
        'content-type: application/json\r\naccept-encoding: identity\r\nwebhook-id: msg_1\r\n' +
        `content-length: 7\r\n\r\n${body.toString('latin1')}`,
    )
  })

  it('carries a body that is part of a larger buffer, or empty', async () => {
    const peer = await tcpPeer(replies(OK))
    const transport = testTransport()
    await transport.post(`http://a.example:${peer.port}/`, { body: new Uint8Array([1, 65, 66, 1]).subarray(1, 3) })
    await nextTurn()
    await transport.post(`http://a.example:${peer.port}/`, { body: new Uint8Array(0) })
    expect(peer.received()).toMatch(/content-length: 2\r\n\r\nABPOST .*content-length: 0\r\n\r\n$/s)
  })

  it('sends no cookie that it was given', async () => {
    const peer = await tcpPeer(replies('HTTP/1.1 200 OK\r\nset-cookie: id=1\r\ncontent-length: 0\r\n\r\n'))
    const transport = testTransport()
    await transport.post(`http://a.example:${peer.port}/`)
    await transport.post(`http://a.example:${peer.port}/`)
    expect([peer.requests(), peer.received().includes('cookie')]).toEqual([2, false])
  })

  it.each([
    ['a CRLF in a value', { 'x-a': 'b\r\nx-c: d' }],
    ['a CRLF in a name', { 'x-a\r\nx-b': 'c' }],
    ['a space in a name', { 'x a': 'c' }],
    ['an empty name', { '': 'c' }],
    ['Latin-1 in a value', { 'x-a': 'é' }],
    ['another script in a value', { 'x-a': 'ж' }],
    ['a NUL in a value', { 'x-a': '\u0000' }],
    ['a value that is no string', { 'x-a': 1 }],
    ['a value that is an object', { 'x-a': { toString: () => 'a' } }],
    ['a list of values', { 'x-a': ['a', 'b'] }],
    ['host', { host: 'internal.example' }],
    ['Host', { Host: 'internal.example' }],
    ['content-length', { 'content-length': '1' }],
    ['transfer-encoding', { 'transfer-encoding': 'chunked' }],
    ['connection', { connection: 'close' }],
    ['upgrade', { upgrade: 'h2c' }],
    ['expect', { expect: '100-continue' }],
  ])('with %s in its headers is not sent', async (_name, headers) => {
    const peer = await tcpPeer(replies(OK))
    const got = await testTransport().post(`http://a.example:${peer.port}/`, { headers: headers as never })
    expect(got).toMatchObject({ error: 'request_invalid', sent: false })
    expect(peer.connections()).toBe(0)
  })

  it('that makes no sense is answered, not thrown', async () => {
    const transport = testTransport()
    const deadline = performance.now() + 5000
    const good = { url: new URL('http://a.example/'), headers: {}, body: Buffer.from(''), deadline }
    const throwing = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )
    const odd: unknown[] = [
      undefined,
      null,
      1,
      {},
      { ...good, url: undefined },
      { ...good, deadline: Number.NaN },
      { ...good, deadline: 'soon' },
      { ...good, url: 'http://a.example/' },
      { ...good, url: new URL('ftp://a.example/') },
      { ...good, url: new URL('data:text/plain,x') },
      { ...good, url: new URL('file:///etc/passwd') },
      { ...good, headers: undefined },
      { ...good, headers: throwing },
      { ...good, body: 12 },
      { ...good, body: {} },
      { ...good, url: { origin: 'http://a.example', pathname: '/\r\nx: y', search: '' } },
      { ...good, url: { origin: 'http://a.example', pathname: 'http://127.0.0.2/', search: '\n' } },
    ]
    for (const request of odd) {
      const got = await transport.send(request as TransportRequest)
      expect(got).toMatchObject({ error: 'request_invalid', sent: false })
    }
    for (const left of [0, -1, Number.NEGATIVE_INFINITY]) {
      expect(await transport.send({ ...good, deadline: deadline - 5000 + left })).toMatchObject({
        error: 'connect_timeout',
        sent: false,
      })
    }
  })

  it('whose failure is told names neither query nor header nor address', async () => {
    const peer = await tcpPeer((socket) => socket.destroy())
    const headers = { authorization: 'Bearer s3cret' }
    const urls = [
      `http://127.0.0.1:${peer.port}/p4th?token=s3cret`,
      `http://127.0.0.1:${await freePort()}/p4th?token=s3cret`,
    ]
    for (const url of [...urls, 'http://10.0.0.1/p4th?token=s3cret']) {
      const told = JSON.stringify(await testTransport().post(url, { headers, body: Buffer.from('s3cret') }))
      expect(told).not.toMatch(/s3cret|p4th|127\.0\.0\.1|10\.0\.0\.1/)
    }
  })
})

describe('a connection', () => {
  it('that is refused is connect_refused', async () => {
    const got = await testTransport().post(`http://a.example:${await freePort()}/`)
    expect(got).toMatchObject({ error: 'connect_refused', sent: false })
  })

  it('goes to the next address where one refuses', async () => {
    const peer = await tcpPeer(replies(OK))
    const addresses = createAddressPolicy({ allowLoopback: true })
    const resolver = fakeResolver(() => ['127.0.0.9', '127.0.0.1'])
    expect(gist(await testTransport({ addresses, resolver }).post(`http://a.example:${peer.port}/`))).toBe(200)
    const nowhere = fakeResolver(() => ['127.0.0.8', '127.0.0.9'])
    const got = await testTransport({ addresses, resolver: nowhere }).post(`http://a.example:${peer.port}/`)
    expect(got).toMatchObject({ error: 'connect_refused', sent: false })
  })

  it('to a name without addresses is dns_failed', async () => {
    const dns = await dnsPeer((_type, name) => (name === 'none.example' ? [] : 3))
    const transport = testTransport({ resolver: createResolver({ servers: [dns.server] }) })
    for (const name of ['none', 'unknown'])
      expect(await transport.post(`http://${name}.example/`)).toMatchObject({ error: 'dns_failed', sent: false })
    const empty = testTransport({ resolver: fakeResolver(() => []) })
    expect(await empty.post('http://a.example/')).toMatchObject({ error: 'dns_failed', sent: false })
  })

  it('whose resolver throws at once is dns_failed', async () => {
    const resolver = {
      resolve: () => {
        throw new Error('no')
      },
    } as Resolver
    expect(await testTransport({ resolver }).post('http://a.example/')).toMatchObject({
      error: 'dns_failed',
      sent: false,
    })
  })

  it('that waits for DNS is given up at the connect timeout, and the question with it', async () => {
    let aborted = false
    const resolver: Resolver = {
      resolve: (_host, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            aborted = true
            reject(signal.reason)
          }),
        ),
    }
    const startedAt = performance.now()
    const got = await testTransport({ resolver, connectTimeoutMs: 150 }).post('http://a.example/')
    expect(got).toMatchObject({ error: 'dns_failed', sent: false })
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(aborted).toBe(true)
  })

  it('to localhost works in development', async () => {
    const peer = await tcpPeer(replies(OK))
    const transport = testTransport({
      addresses: createAddressPolicy({ allowLoopback: true }),
      resolver: createResolver({ localNames: true }),
    })
    expect(gist(await transport.post(`http://localhost:${peer.port}/`))).toBe(200)
  })

  it('is used again, and there are as many as requests in flight', async () => {
    const peer = await tcpPeer(onRequest((socket) => setTimeout(() => socket.write(OK), 20)))
    const transport = testTransport()
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => transport.post(`http://a.example:${peer.port}/`)),
      )
      expect(answers.map(gist)).toEqual(new Array(20).fill(200))
      await nextTurn()
    }
    expect([peer.connections(), peer.requests()]).toEqual([20, 60])
  })

  it.each([
    ['a second, where its server names no time', '', 900, 200],
    ['as long as its server says, less 2 s on the way', 'keep-alive: timeout=5\r\n', 2_900, 200],
    ['10 s, whatever its server says', 'keep-alive: timeout=3600\r\n', 9_900, 200],
  ])('that is idle is kept for %s', async (_, header, keptMs, thenMs) => {
    const peer = await tcpPeer(replies(`HTTP/1.1 200 OK\r\n${header}content-length: 0\r\n\r\n`))
    const transport = testTransport()
    onTestFinished(() => void vi.useRealTimers())
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const post = async () => {
      await transport.post(`http://a.example:${peer.port}/`)
      await nextTurn()
      return peer.connections()
    }
    expect(await post()).toBe(1)
    vi.advanceTimersByTime(keptMs)
    expect(await post()).toBe(1)
    vi.advanceTimersByTime(keptMs + thenMs)
    expect(await post()).toBe(2)
  })

  it('that hangs holds up no other request to its origin', async () => {
    let n = 0
    const peer = await tcpPeer(
      onRequest((socket) => {
        if (++n > 8) socket.write(OK)
      }),
    )
    const transport = testTransport()
    const url = `http://a.example:${peer.port}/`
    const hung = Array.from({ length: 8 }, () => transport.post(url, { deadlineMs: 400 }))
    await expect.poll(() => n).toBe(8)
    const got = await transport.post(url, { deadlineMs: 400 })
    expect(gist(got)).toBe(200)
    expect((await Promise.all(hung)).map(gist)).toEqual(new Array(8).fill('response_timeout'))
  })
})

describe('the deadline', () => {
  it('holds while DNS hangs, with nothing sent then or later', async () => {
    const startedAt = performance.now()
    const got = await testTransport({ resolver: deaf }).post('http://a.example/', { deadlineMs: 200 })
    expect(got).toMatchObject({ error: 'connect_timeout', sent: false })
    const elapsed = performance.now() - startedAt
    expect(elapsed).toBeGreaterThan(190)
    expect(elapsed).toBeLessThan(1200) // meant: +100 ms. undici's own signal takes as long as DNS does
  })

  it('that passes while connecting keeps the request from being sent at all', async () => {
    const peer = await tcpPeer(replies(OK))
    const resolver: Resolver = {
      resolve: async () => {
        await after(200)
        return [{ address: '127.0.0.1', family: 4, ttlMs: 0 }]
      },
    }
    const transport = testTransport({ resolver })
    const url = `http://a.example:${peer.port}/`
    const answers = await Promise.all(Array.from({ length: 20 }, () => transport.post(url, { deadlineMs: 50 })))
    for (const got of answers) expect(got).toMatchObject({ error: 'connect_timeout', sent: false })
    await expect.poll(() => peer.connections()).toBe(20)
    await after(50)
    expect(peer.received()).toBe('')
  })

  it('cuts a body short, but not its status', async () => {
    const peer = await tcpPeer(replies('HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\nhalf'))
    const startedAt = performance.now()
    const got = await testTransport({ bodyWindowMs: 5000 }).post(`http://a.example:${peer.port}/`, { deadlineMs: 250 })
    expect(got).toMatchObject({ status: 201, truncated: true })
    expect('body' in got && Buffer.from(got.body).toString()).toBe('half')
    expect(performance.now() - startedAt).toBeLessThan(1500)
  })

  it('and comes in the time of the machine where the given clock stands still', async () => {
    const clock: Clock = { ...systemClock, monotonic: () => 1000 }
    const peer = await tcpPeer(onRequest(() => {}))
    const url = new URL(`http://a.example:${peer.port}/`)
    const got = await testTransport({ clock }).send({ url, headers: {}, body: Buffer.from(''), deadline: 1100 })
    expect(got).toMatchObject({ error: 'response_timeout' })
  })

  it('and durations are those of the given clock', async () => {
    let now = 1000
    let looks = 0
    let lookedAgain: () => void
    const statusCame = new Promise<void>((resolve) => {
      lookedAgain = resolve
    })
    const monotonic = () => {
      // It looks when it begins, and when the status line is there.
      if (++looks === 2) lookedAgain()
      return now
    }
    const clock: Clock = { ...systemClock, monotonic }
    const peer = await tcpPeer(
      onRequest((socket) => {
        now += 77
        socket.write(OK.slice(0, -1))
        void statusCame.then(() => {
          now += 500
          socket.write('k')
        })
      }),
    )
    const transport = testTransport({ clock, bodyWindowMs: 60_000 })
    const url = new URL(`http://a.example:${peer.port}/`)
    const got = await transport.send({ url, headers: {}, body: Buffer.from(''), deadline: 61_000 })
    expect(got).toMatchObject({ status: 200, ms: 77, truncated: false })
    expect(await transport.send({ url, headers: {}, body: Buffer.from(''), deadline: now })).toMatchObject({
      error: 'connect_timeout',
    })
  })
})

describe('closing', () => {
  it('waits for what is in flight, then leaves no socket open, and sends nothing more', async () => {
    const sockets = () =>
      process.getActiveResourcesInfo().filter((kind) => /TCPSocket|TLS|TCPConnect/.test(kind)).length
    const before = sockets()
    let closed = 0
    const peer = await tcpPeer((socket) => {
      socket.on('close', () => (closed += 1))
      onRequest(() => setTimeout(() => socket.write(OK), 100))(socket)
    })
    const transport = testTransport()
    const url = `http://a.example:${peer.port}/`
    const inFlight = [transport.post(url), transport.post(url)]
    await expect.poll(() => peer.requests()).toBe(2)
    const closing = transport.close?.()
    expect(await transport.post(url)).toMatchObject({ error: 'transport_closed', sent: false, ms: 0 })
    await closing
    expect((await Promise.all(inFlight)).map(gist)).toEqual([200, 200])
    await expect.poll(() => closed).toBe(2)
    await expect.poll(sockets).toBeLessThanOrEqual(before)
    await transport.close?.()
  })

  it('does not wait for connections that nobody waits for', async () => {
    const transport = testTransport({ resolver: deaf })
    await transport.post('http://a.example/', { deadlineMs: 20 })
    const startedAt = performance.now()
    await transport.close?.()
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })

  it('is possible before anything was sent', async () => {
    await testTransport().close?.()
  })
})
