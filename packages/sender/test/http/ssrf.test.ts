import { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { describe, expect, it, vi } from 'vitest'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { createConnector } from '../../src/http/connect.ts'
import { createResolver } from '../../src/http/resolver.ts'
import { dnsPeer, fakeResolver, gist, nextTurn, ONE_ADDRESS, type Peer, tcpPeer, testTransport } from './network.ts'
import { OK, replies } from './play.ts'

/** 127.0.0.1 plays the public host and 127.0.0.2 the internal one, on the same port. */
async function twoHosts(answer = OK): Promise<{ pub: Peer; internal: Peer }> {
  for (;;) {
    const pub = await tcpPeer(replies(answer))
    try {
      return { pub, internal: await tcpPeer(replies(OK), '127.0.0.2', pub.port) }
    } catch {
      // the port was taken: take another
    }
  }
}

describe('a request', () => {
  it.each(['127.0.0.2', '2130706434', '0x7f.2', '0177.2', '[::ffff:127.0.0.2]', '[::ffff:7f00:2]', '127.0.0.2.'])(
    'to the literal %s is blocked, although nothing is looked up',
    async (host) => {
      const { internal } = await twoHosts()
      const resolver = fakeResolver(() => ['127.0.0.1'])
      const got = await testTransport({ resolver }).post(`http://${host}:${internal.port}/`)
      expect(got).toMatchObject({ error: 'address_blocked', sent: false })
      expect('detail' in got && got.detail).not.toContain('127')
      expect([internal.connections(), resolver.asked.length]).toEqual([0, 0])
    },
  )

  it('never reaches the internal host by rebinding, in 1,000 tries against a name server that turns its answer each time', async () => {
    const { pub, internal } = await twoHosts('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    let n = 0
    const dns = await dnsPeer((type) =>
      type === 'A' ? [{ address: Buffer.from([127, 0, 0, n++ % 2 === 0 ? 1 : 2]), ttl: 0 }] : [],
    )
    const transport = testTransport({ resolver: createResolver({ servers: [dns.server] }) })
    const outcomes: Record<string, number> = { 200: 0, address_blocked: 0 }
    for (let i = 0; i < 1_000; i += 1) {
      const got = gist(await transport.post(`http://rebind.example:${pub.port}/`))
      outcomes[got] = (outcomes[got] ?? 0) + 1
    }
    expect(internal.connections()).toBe(0)
    // Each try asked anew, so about half of them would have been caught.
    expect(dns.asked.filter((question) => question.startsWith('A ')).length).toBeGreaterThanOrEqual(1_000)
    expect(Object.keys(outcomes)).toEqual(['200', 'address_blocked'])
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(400)
    expect(pub.requests()).toBe(outcomes[200])
  })

  it('is resolved once for a connection, so that there is no second answer to differ', async () => {
    const { pub } = await twoHosts()
    const resolver = fakeResolver(() => ['127.0.0.1'])
    const transport = testTransport({ resolver })
    for (let i = 0; i < 3; i += 1) {
      await transport.post(`http://once.example:${pub.port}/`)
      await nextTurn()
    }
    expect(resolver.asked).toEqual(['once.example'])
  })

  it.each([
    [['127.0.0.1', '127.0.0.2']],
    [['127.0.0.2', '127.0.0.1']],
    [['127.0.0.1', '::1']],
    [['127.0.0.1', '::ffff:127.0.0.2']],
    [['127.0.0.1', '::ffff:7f00:2']],
    [['127.0.0.1', '64:ff9b::7f00:1']],
    [['127.0.0.1', 'fe80::1%lo']],
    [['127.0.0.1', 'not an address']],
    [['127.0.0.1', '']],
  ])('whose name has the addresses %j is blocked as a whole', async (addresses) => {
    const { pub, internal } = await twoHosts()
    const transport = testTransport({ resolver: fakeResolver(() => addresses) })
    const got = await transport.post(`http://mixed.example:${pub.port}/`)
    expect(got).toMatchObject({ error: 'address_blocked', sent: false })
    expect([pub.connections(), internal.connections()]).toEqual([0, 0])
  })

  it('whose name has an IPv4-mapped public address is judged, and sent, as IPv4', async () => {
    const { pub } = await twoHosts()
    const transport = testTransport({ resolver: fakeResolver(() => ['::ffff:127.0.0.1']) })
    expect(gist(await transport.post(`http://mapped.example:${pub.port}/`))).toBe(200)
  })

  it('is blocked by the default policy for every private answer of a real name server', async () => {
    const { internal } = await twoHosts()
    const dns = await dnsPeer((type) => (type === 'A' ? [{ address: Buffer.from([127, 0, 0, 2]) }] : []))
    const transport = testTransport({
      addresses: createAddressPolicy(),
      resolver: createResolver({ servers: [dns.server] }),
    })
    expect(await transport.post(`http://evil.example:${internal.port}/`)).toMatchObject({
      error: 'address_blocked',
      sent: false,
    })
    expect(internal.connections()).toBe(0)
  })

  it('is blocked where the reached address is another than the pinned one', async () => {
    const { pub } = await twoHosts()
    let asked = 0
    // Allowed when it is judged, and blocked by the time it is reached.
    const addresses = { allows: () => ++asked === 1 }
    const got = await testTransport({ addresses }).post(`http://late.example:${pub.port}/`)
    expect(got).toMatchObject({ error: 'address_blocked', sent: false })
    expect(pub.received()).toBe('')
  })

  it.each([{ socketPath: '/var/run/docker.sock' }, { httpSocket: new Socket() }])(
    'never goes to a socket file, nor over a socket that somebody else has opened',
    async (other) => {
      const { connect } = createConnector({
        resolver: fakeResolver(() => ['127.0.0.1']),
        addresses: ONE_ADDRESS,
        timeoutMs: 1000,
        secureContext: createSecureContext(),
      })
      const target = { hostname: 'a.example', protocol: 'http:', port: '80', ...other }
      const error = await new Promise((resolve) => connect(target, (...[refused]) => resolve(refused)))
      expect(error).toMatchObject({ code: 'address_blocked' })
    },
  )

  it.each([301, 302, 303, 307, 308])('does not follow a %i to the internal host', async (status) => {
    const { internal } = await twoHosts()
    const location = `http://127.0.0.2:${internal.port}/`
    const pub = await tcpPeer(replies(`HTTP/1.1 ${status} Moved\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`))
    const got = await testTransport().post(`http://a.example:${pub.port}/`)
    expect(got).toMatchObject({ status, headers: { location } })
    expect([pub.requests(), internal.connections()]).toEqual([1, 0])
  })

  it('takes no proxy from the environment', async () => {
    const { pub } = await twoHosts()
    const proxy = await tcpPeer(replies(OK))
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])
      vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`)
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    vi.stubEnv('NO_PROXY', '')
    try {
      expect(gist(await testTransport().post(`http://a.example:${pub.port}/`))).toBe(200)
    } finally {
      vi.unstubAllEnvs()
    }
    expect([pub.requests(), proxy.connections()]).toEqual([1, 0])
  })
})
