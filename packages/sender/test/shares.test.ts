import { silentLogger } from '@hooks/core'
import { describe, expect, it, vi } from 'vitest'
import { createSender } from '../src/index.ts'
import { HOUR, stage } from './stage.ts'

const host = (request: { url: URL }) => request.url.host

describe('shares of a worker', () => {
  it('failing endpoints that time out never have more than a quarter of it, and the others go on', async () => {
    let inFlight = 0
    let most = 0
    const at: number[] = []
    const { hooks, clock } = await stage(
      async (request) => {
        if (host(request).startsWith('well')) {
          at.push(clock.monotonic())
          return 200
        }
        most = Math.max(most, ++inFlight)
        await clock.sleep(14_000)
        inFlight--
        return { error: 'response_timeout', detail: '' }
      },
      {
        concurrency: 20,
        policy: { retry: ['0s', '1s', '1s', '1s', '1s'], jitter: 0, breaker: false, disable: 'never' },
      },
    )
    for (let n = 0; n < 20; n++) await hooks.endpoints.create('hung', { url: `https://hung${n}.example/` })
    await hooks.endpoints.create('well', { url: 'https://well.example/' })
    hooks.start()
    const send = (tenant: string, count: number) =>
      hooks.sendMany(Array.from({ length: count }, () => ({ type: 'user.deleted' as const, data: {}, tenant })))
    await send('hung', 20)
    await clock.advance(10 * 60_000)
    most = 0
    const before = at.length
    const sentAt: number[] = []
    for (let n = 0; n < 60; n++) {
      sentAt.push(clock.monotonic())
      await send('well', 1)
      await clock.advance(1_000)
    }
    const delays = at.slice(before).map((time, i) => time - (sentAt[i] as number))
    expect(delays).toHaveLength(60)
    expect(Math.max(...delays)).toBeLessThan(1_000)
    expect(most).toBeLessThanOrEqual(5)
    expect(most).toBeGreaterThan(0)
    await Promise.all([hooks.stop(), clock.advance(20_000)])
  })

  it('a tenant with very many endpoints leaves room for the others, and has all of it while it is alone', async () => {
    const running = new Map<string, number>()
    let mostAlone = 0
    let others = false
    const startedAt: number[] = []
    const { hooks, clock } = await stage(
      async (request) => {
        const tenant = host(request).split('.')[1] as string
        running.set(tenant, (running.get(tenant) ?? 0) + 1)
        if (!others) mostAlone = Math.max(mostAlone, running.get('bulk') ?? 0)
        if (tenant === 'small') startedAt.push(clock.monotonic())
        await clock.sleep(1_000)
        running.set(tenant, (running.get(tenant) ?? 1) - 1)
        return 200
      },
      { concurrency: 16 },
    )
    for (let n = 0; n < 20; n++) await hooks.endpoints.create('bulk', { url: `https://${n}.bulk.example/` })
    await hooks.endpoints.create('small', { url: 'https://x.small.example/' })
    hooks.start()
    await hooks.sendMany(
      Array.from({ length: 20 }, () => ({ type: 'user.deleted' as const, data: {}, tenant: 'bulk' })),
    )
    await clock.advance(10_000)
    expect(mostAlone).toBe(16)
    others = true
    const sentAt = clock.monotonic()
    await hooks.sendMany(
      Array.from({ length: 12 }, () => ({ type: 'user.deleted' as const, data: {}, tenant: 'small' })),
    )
    await clock.advance(10_000)
    // Four at a time, a second each, once a slot was free.
    expect(startedAt).toHaveLength(12)
    expect(Math.max(...startedAt) - sentAt).toBeLessThan(6_000)
    await Promise.all([hooks.stop(), clock.advance(20_000)])
  })

  it('what is given back unsent is given back once: failing endpoints have their quarter after it, no more and no less', async () => {
    const {
      hooks: first,
      clock,
      storage,
      random,
      contract,
      transport,
      endpoint,
    } = await stage(() => 500, {
      keyring: { current: 'k1', keys: { k1: new Uint8Array(32).fill(1) } },
    })
    await storage.hold([{ endpointId: endpoint.id, failing: true }])
    const limits: (number | undefined)[] = []
    const watched = {
      ...storage,
      claim(options: Parameters<typeof storage.claim>[0]) {
        limits.push(options.failingLimit)
        return storage.claim(options)
      },
    }
    await first.send('user.deleted', {}, { tenant: 'acme' })
    const hooks = createSender({
      contract,
      storage: watched,
      clock,
      random,
      transport,
      logger: silentLogger,
      concurrency: 20,
      // It cannot read the endpoint's secret, so each of its claims comes back unsent.
      keyring: { current: 'k1', keys: { k1: new Uint8Array(32).fill(2) } },
    })
    hooks.start()
    await clock.advance(10 * 60_000)
    expect(limits.length).toBeGreaterThan(20)
    expect(Math.max(...limits.map(Number))).toBe(5)
    expect(limits.at(-1)).toBe(5)
    await Promise.all([hooks.stop(), clock.advance(20_000)])
  })
})

describe('pause', () => {
  it('starts nothing more in this process until it is resumed, and goes on matching', async () => {
    const { hooks, clock, requests } = await stage()
    hooks.start()
    await clock.advance(10)
    hooks.pause()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(HOUR)
    expect(requests).toHaveLength(0)
    expect(await hooks.health()).toMatchObject({ paused: true, running: true, due: 1, unexpanded: 0 })
    hooks.resume()
    await clock.advance(1)
    expect(requests).toHaveLength(1)
    await hooks.stop()
  })

  it('holds for a drain as well', async () => {
    const { hooks, clock, requests } = await stage()
    hooks.pause()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    const drained = hooks.drain({ maxMs: 5_000 })
    await clock.advance(5_000)
    await drained
    expect(requests).toHaveLength(0)
  })
})

describe('health', () => {
  it("tells how far the storage's clock is from this machine's, and warns where that breaks signatures", async () => {
    const warnings: unknown[] = []
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, message?: string) => void warnings.push(message),
    }
    const { hooks, storage } = await stage(() => 204, { logger })
    expect(await hooks.health()).toMatchObject({ clockSkewMs: 0, heldEndpoints: 0, oldestDueMs: null })
    const depth = storage.depth
    storage.depth = async () => ({ ...(await depth()), at: new Date('2040-01-01T00:00:00Z') })
    expect((await hooks.health()).clockSkewMs).toBeGreaterThan(30_000)
    expect(warnings).toEqual([expect.stringContaining('clock')])
  })

  it('takes no slow answer of the storage for a clock that is wrong, and sees behind one by how much it is', async () => {
    const warn = vi.fn()
    const { hooks, storage, clock } = await stage(() => 204, { logger: { ...silentLogger, warn } })
    const depth = storage.depth
    const skew = async (offMs: number) => {
      storage.depth = async () => {
        await clock.sleep(20_000)
        const found = await depth()
        await clock.sleep(40_000)
        return { ...found, at: new Date(found.at.getTime() + offMs) }
      }
      const health = hooks.health()
      await clock.advance(60_000)
      return (await health).clockSkewMs
    }
    expect(await skew(0)).toBe(0)
    expect(warn).not.toHaveBeenCalled()
    expect([await skew(-60_000), await skew(100_000)]).toEqual([-40_000, 60_000])
    expect(warn).toHaveBeenCalledTimes(2)
  })
})

describe('retention', () => {
  it('forgets payloads after 30 days and deliveries after 90, and nothing that is kept for ever', async () => {
    const { hooks, clock, storage } = await stage(() => 204, { poll: '12h' })
    hooks.start()
    const { id } = await hooks.send('user.deleted', { secret: 1 }, { tenant: 'acme' })
    await clock.advance(29 * 24 * HOUR)
    expect((await hooks.messages.get('acme', id)).data).toEqual({ secret: 1 })
    await clock.advance(2 * 24 * HOUR)
    expect((await hooks.messages.get('acme', id)).data).toBe(undefined)
    expect((await hooks.deliveries.list('acme')).data).toHaveLength(1)
    await clock.advance(60 * 24 * HOUR)
    expect((await hooks.deliveries.list('acme')).data).toHaveLength(0)
    await hooks.stop()
    await storage.close()
  })

  it('forgets nothing that is kept for longer than there are times', async () => {
    const retention = { payloads: Number.MAX_VALUE, attempts: Number.MAX_SAFE_INTEGER }
    const { hooks, clock } = await stage(() => 204, { poll: '12h', retention })
    hooks.start()
    const { id } = await hooks.send('user.deleted', { n: 1 }, { tenant: 'acme' })
    await clock.advance(2 * HOUR)
    expect((await hooks.messages.get('acme', id)).data).toEqual({ n: 1 })
    expect((await hooks.deliveries.list('acme')).data).toHaveLength(1)
    await hooks.stop()
  })

  it('can be left off', async () => {
    const { hooks, clock } = await stage(() => 204, { poll: '12h', retention: { payloads: false, attempts: false } })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(100 * 24 * HOUR)
    expect((await hooks.deliveries.list('acme')).data).toHaveLength(1)
    await hooks.stop()
  })
})
