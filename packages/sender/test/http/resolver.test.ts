import { describe, expect, it } from 'vitest'
import { createResolver } from '../../src/http/resolver.ts'
import { dnsPeer } from './network.ts'

const v4 = (...bytes: number[]) => Buffer.from(bytes)
const v6 = (last: number) => Buffer.from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last])
const never = new AbortController().signal

describe('the resolver', () => {
  it('asks for A and AAAA, and gives IPv4 first, each with its time to live', async () => {
    const dns = await dnsPeer((type) =>
      type === 'A' ? [{ address: v4(192, 0, 2, 1), ttl: 30 }] : [{ address: v6(1), ttl: 60 }],
    )
    const found = await createResolver({ servers: [dns.server] }).resolve('a.example', never)
    expect(found).toEqual([
      { address: '192.0.2.1', family: 4, ttlMs: 30_000 },
      { address: '2001:db8::1', family: 6, ttlMs: 60_000 },
    ])
    expect(dns.asked.sort()).toEqual(['A a.example', 'AAAA a.example'])
  })

  it.each([
    ['there is no other', [] as const],
    ['there is no such name for the other', 3],
    ['the server fails for the other', 2],
    ['the server never answers for the other', 'silence'],
  ] as const)('is content with one family where %s', async (_name, other) => {
    for (const kept of ['A', 'AAAA']) {
      const dns = await dnsPeer((type) =>
        type !== kept ? other : [{ address: type === 'A' ? v4(192, 0, 2, 1) : v6(1) }],
      )
      const startedAt = performance.now()
      const found = await createResolver({ servers: [dns.server] }).resolve('a.example', never)
      expect(found.map(({ family }) => family)).toEqual([kept === 'A' ? 4 : 6])
      expect(performance.now() - startedAt).toBeLessThan(1500)
    }
  })

  it.each([
    ['no such name', 3, 'ENOTFOUND'],
    ['no address', [] as const, 'ENODATA'],
    ['a failing server', 2, 'ESERVFAIL'],
    ['a server that refuses', 5, 'EREFUSED'],
  ] as const)('rejects %s', async (_name, answer, code) => {
    const dns = await dnsPeer(() => answer)
    await expect(createResolver({ servers: [dns.server] }).resolve('a.example', never)).rejects.toMatchObject({ code })
  })

  it('gives up a server that never answers after its tries', async () => {
    const dns = await dnsPeer(() => 'silence')
    const resolver = createResolver({ servers: [dns.server], timeoutMs: 100, tries: 2 })
    await expect(resolver.resolve('a.example', never)).rejects.toMatchObject({ code: 'ETIMEOUT' })
    expect(dns.asked.filter((question) => question.startsWith('A '))).toHaveLength(2)
  })

  it('stops asking when it is aborted', async () => {
    const dns = await dnsPeer(() => 'silence')
    const cancel = new AbortController()
    const resolving = createResolver({ servers: [dns.server] }).resolve('a.example', cancel.signal)
    setTimeout(() => cancel.abort(), 50)
    const startedAt = performance.now()
    await expect(resolving).rejects.toThrow()
    expect(performance.now() - startedAt).toBeLessThan(1000)
    await expect(createResolver().resolve('a.example', cancel.signal)).rejects.toThrow()
  })

  it('uses at most 32 addresses of an answer', async () => {
    const dns = await dnsPeer((type) =>
      type === 'A'
        ? Array.from({ length: 29 }, (_, i) => ({ address: v4(192, 0, 2, i) }))
        : [1, 2, 3, 4, 5].map((n) => ({ address: v6(n) })),
    )
    expect(await createResolver({ servers: [dns.server] }).resolve('a.example', never)).toHaveLength(32)
    expect(await createResolver({ servers: [dns.server], maxAddresses: 3 }).resolve('a.example', never)).toHaveLength(3)
  })

  it('answers a literal with itself, and asks nobody', async () => {
    const dns = await dnsPeer(() => [])
    const resolver = createResolver({ servers: [dns.server] })
    expect(await resolver.resolve('127.0.0.2', never)).toEqual([{ address: '127.0.0.2', family: 4, ttlMs: 0 }])
    expect(await resolver.resolve('::1', never)).toEqual([{ address: '::1', family: 6, ttlMs: 0 }])
    expect(dns.asked).toEqual([])
  })

  it('never asks a server for localhost, which is loopback in development and unknown otherwise', async () => {
    const dns = await dnsPeer(() => [{ address: v4(192, 0, 2, 1) }])
    for (const host of ['localhost', 'app.LOCALHOST']) {
      const found = await createResolver({ servers: [dns.server], localNames: true }).resolve(host, never)
      expect(found.map(({ address }) => address)).toEqual(['127.0.0.1', '::1'])
      await expect(createResolver({ servers: [dns.server] }).resolve(host, never)).rejects.toMatchObject({
        code: 'ENOTFOUND',
      })
    }
    expect(dns.asked).toEqual([])
  })
})
