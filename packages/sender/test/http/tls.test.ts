import { describe, expect, it, vi } from 'vitest'
import type { TransportOptions } from '../../src/http/transport.ts'
import { AUTHORITY, EXPIRED, FUTURE, GOOD, SELF_SIGNED } from './certificates.ts'
import { gist, nextTurn, tcpPeer, testTransport, tlsPeer } from './network.ts'
import { replies } from './play.ts'

/** A transport that trusts the tests' authority. */
const trusting = (options: TransportOptions = {}) => testTransport({ ca: [AUTHORITY], ...options })

describe('over TLS', () => {
  it('the certificate is checked against the name, although the connection goes to a pinned address', async () => {
    const peer = await tlsPeer()
    expect(gist(await trusting().post(`https://good.example:${peer.port}/`))).toBe(200)
    expect(gist(await trusting().post(`https://also.example:${peer.port}/`))).toBe(200)
    expect(peer.received()).not.toContain('host: 127')
  })

  it.each([
    ['another name', GOOD, 'bad.example', 'tls_certificate_name', /good\.example, also\.example/],
    ['an address', GOOD, '127.0.0.1', 'tls_certificate_name', /good\.example, also\.example/],
    ['an expired one', EXPIRED, 'good.example', 'tls_certificate_expired', /2021-01-02/],
    ['one of the future', FUTURE, 'good.example', 'tls_certificate_not_yet_valid', /2120-01-01/],
    ['a self-signed one', SELF_SIGNED, 'good.example', 'tls_certificate_untrusted', /authority/],
  ])(
    'a certificate for %s is refused again and again, and nothing is sent',
    async (_name, cert, host, code, detail) => {
      const peer = await tlsPeer({ cert })
      const transport = trusting()
      for (let n = 0; n < 3; n += 1) {
        const got = await transport.post(`https://${host}:${peer.port}/`)
        expect(got).toMatchObject({ error: code, sent: false })
        expect('detail' in got && got.detail).toMatch(detail)
      }
      expect(peer.received()).toBe('')
    },
  )

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a refused certificate stays refused over %s: no session is resumed',
    async (version) => {
      const peer = await tlsPeer({ minVersion: version, maxVersion: version })
      const transport = trusting()
      expect(gist(await transport.post(`https://bad.example:${peer.port}/`))).toBe('tls_certificate_name')
      expect(gist(await transport.post(`https://good.example:${peer.port}/`))).toBe(200)
      expect(gist(await transport.post(`https://bad.example:${peer.port}/`))).toBe('tls_certificate_name')
    },
  )

  it('certificates are verified even where the environment says not to', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {}) // Node.js says that this is a bad idea
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    try {
      const peer = await tlsPeer({ cert: SELF_SIGNED })
      expect(gist(await trusting().post(`https://good.example:${peer.port}/`))).toBe('tls_certificate_untrusted')
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('the tests’ authority is trusted only where it was given', async () => {
    const peer = await tlsPeer()
    const got = await testTransport().post(`https://good.example:${peer.port}/`)
    expect(gist(got)).toBe('tls_certificate_untrusted')
  })

  it.each([
    ['plain text', replies('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['an SSH banner', replies('SSH-2.0-OpenSSH_9.6\r\n')],
  ])('%s in place of a handshake is tls_handshake', async (_name, play) => {
    const peer = await tcpPeer((socket) => {
      play(socket)
      socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    const got = await trusting().post(`https://good.example:${peer.port}/`)
    expect(got).toMatchObject({ error: 'tls_handshake', sent: false })
  })

  it('a reset or a hang-up in place of a handshake is tls_handshake', async () => {
    for (const end of ['resetAndDestroy', 'end'] as const) {
      const peer = await tcpPeer((socket) => socket.once('data', () => socket[end]()))
      const got = await trusting().post(`https://good.example:${peer.port}/`)
      expect(got).toMatchObject({ error: 'tls_handshake', sent: false })
    }
  })

  it('TLS 1.1 is not spoken', async () => {
    const peer = await tlsPeer({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    expect(await trusting().post(`https://good.example:${peer.port}/`)).toMatchObject({
      error: 'tls_handshake',
      sent: false,
    })
  })

  it('a handshake that hangs ends with the connect timeout', async () => {
    const peer = await tcpPeer((socket) => socket.resume())
    const startedAt = performance.now()
    const got = await trusting({ connectTimeoutMs: 200 }).post(`https://good.example:${peer.port}/`)
    expect(got).toMatchObject({ error: 'connect_timeout', sent: false })
    expect('detail' in got && got.detail).toContain('TLS')
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })

  it('a connection is kept for the next request', async () => {
    const peer = await tlsPeer()
    const transport = trusting()
    for (let n = 0; n < 3; n += 1) {
      await transport.post(`https://good.example:${peer.port}/`)
      await nextTurn()
    }
    expect([peer.connections(), peer.requests()]).toEqual([1, 3])
  })
})
