import { describe, expect, it } from 'vitest'
import { BOMB, CAP, failures, HEAD, statuses } from './hostile-receivers.ts'
import { gist, tcpPeer, testTransport } from './network.ts'
import { onRequest, replies } from './play.ts'

describe('a receiver that', () => {
  it.each(failures)('$does is a failed attempt: $answer', async ({ does, play, answer }) => {
    const peer = await tcpPeer(play)
    const transport = testTransport()
    const body = does === 'never reads' ? Buffer.alloc(8 << 20) : Buffer.from('{}')
    const startedAt = performance.now()
    const got = await transport.post(`http://127.0.0.1:${peer.port}/`, { body, deadlineMs: 400 })
    const elapsed = performance.now() - startedAt
    expect(gist(got)).toBe(answer)
    // A peer may hang up between the connection and the request, or a moment later.
    if (!does.endsWith('on accept')) expect(got.sent).toBe(true)
    expect(elapsed).toBeLessThan(2000)
    expect(peer.connections()).toBe(1)
    expect('detail' in got && got.detail).toMatch(/^[A-Z].*\.$/)
    expect('detail' in got && got.detail).not.toMatch(/127\.0\.0\.1|undefined/)
  })

  it.each(statuses)('$does has answered $answer', async ({ play, answer, truncated, bodyBytes, does }) => {
    const peer = await tcpPeer(play)
    const transport = testTransport({ bodyWindowMs: 300 })
    const body = does.includes('413') ? Buffer.alloc(8 << 20) : Buffer.from('{}')
    const startedAt = performance.now()
    const got = await transport.post(`http://127.0.0.1:${peer.port}/`, { body })
    const elapsed = performance.now() - startedAt
    expect(gist(got)).toBe(answer)
    if (!('status' in got)) return
    expect(got).toMatchObject({ truncated, sent: true })
    if (bodyBytes !== undefined) expect(got.body.length).toBe(bodyBytes)
    expect(got.body.length).toBeLessThanOrEqual(CAP)
    expect(elapsed).toBeLessThan(2000)
    expect(peer.connections()).toBe(1)
    if (does.includes('bomb')) expect(Buffer.compare(got.body, BOMB.subarray(0, CAP))).toBe(0)
  })

  it('sends a second response unasked cannot answer the next request with it (CVE-2026-6733)', async () => {
    let n = 0
    const peer = await tcpPeer(
      onRequest((socket) => {
        n += 1
        const poison = n === 1 ? 'HTTP/1.1 299 Poison\r\ncontent-length: 6\r\n\r\npoison' : ''
        socket.write(`HTTP/1.1 20${n} OK\r\ncontent-length: 2\r\n\r\nok${poison}`)
      }),
    )
    const transport = testTransport()
    expect(gist(await transport.post(`http://127.0.0.1:${peer.port}/`))).toBe(201)
    expect(gist(await transport.post(`http://127.0.0.1:${peer.port}/`))).toBe(202)
  })

  it('asks to keep connections for an hour has them closed all the same', async () => {
    let closed = false
    const peer = await tcpPeer((socket) => {
      socket.on('close', () => (closed = true))
      replies('HTTP/1.1 200 OK\r\nkeep-alive: timeout=3600\r\ncontent-length: 0\r\n\r\n')(socket)
    })
    const transport = testTransport()
    await transport.post(`http://127.0.0.1:${peer.port}/`)
    await transport.close?.()
    await expect.poll(() => closed).toBe(true)
  })

  it('sends many odd headers has a few of them kept, as harmless text', async () => {
    const many = Array.from({ length: 40 }, (_, i) => `x-${i}: ${i}\r\n`).join('')
    const odd = '__proto__: a\r\nconstructor: b\r\nset-cookie: id=1\r\nX-Two: 1\r\nx-two: 2\r\n'
    const last = 'retry-after: 120\r\ncontent-type: text/plain\r\n'
    const latin1 = Buffer.from(`x-raw: é\u0080\u009b\tend\r\n`, 'latin1')
    const peer = await tcpPeer(
      replies(Buffer.concat([Buffer.from(HEAD + odd), latin1, Buffer.from(`${many}${last}content-length: 0\r\n\r\n`)])),
    )
    const got = await testTransport().post(`http://127.0.0.1:${peer.port}/`)
    if (!('status' in got)) throw new Error(got.error)
    expect(Object.getPrototypeOf(got.headers)).toBeNull()
    expect(Object.keys(got.headers)).toHaveLength(16)
    expect(got.headers).toMatchObject({ 'retry-after': '120', 'content-type': 'text/plain', 'x-two': '1, 2' })
    expect(got.headers['x-raw']).toBe('???\tend')
    expect(got.headers['set-cookie']).toBeUndefined()
    expect(Object.entries(got.headers)).toContainEqual(['__proto__', 'a'])
  })

  it('sends large headers has at most 8 KiB of them kept', async () => {
    const big = Array.from({ length: 7 }, (_, i) => `x-${i}: ${'a'.repeat(2000)}\r\n`).join('')
    const peer = await tcpPeer(replies(`${HEAD}${big}content-length: 0\r\n\r\n`))
    const got = await testTransport().post(`http://127.0.0.1:${peer.port}/`)
    if (!('status' in got)) throw new Error(got.error)
    expect(JSON.stringify(got.headers).length).toBeLessThan(8400)
    expect(Object.keys(got.headers)).toContain('x-3')
  })
})
