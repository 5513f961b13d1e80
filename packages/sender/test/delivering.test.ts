import { runInNewContext } from 'node:vm'
import { type Storage, silentLogger } from '@hooks/core'
import { mailgun } from '@hooks/core/formats'
import { describe, expect, it, vi } from 'vitest'
import { createSender } from '../src/index.ts'
import { HOUR, scriptedTransport, stage } from './stage.ts'

const code = (wanted: string) => expect.objectContaining({ code: wanted })

describe('delivering', () => {
  it('sends each message to each endpoint that wants it, signed, once', async () => {
    const { hooks, requests, clock } = await stage()
    await hooks.endpoints.create('acme', { url: 'https://acme.example/2', events: ['user.deleted'] })
    await hooks.endpoints.create('globex', { url: 'https://globex.example/' })
    hooks.start()
    const { id } = await hooks.send('booking.created', { id: 'b1' }, { tenant: 'acme' })
    await clock.advance(2_000)
    expect(requests.map(({ url }) => url.href)).toEqual(['https://acme.example/webhooks'])
    expect(requests[0]?.headers).toMatchObject({
      'webhook-id': id,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
    })
  })

  it('starts the first attempt at once after a send, not at the next poll', async () => {
    const { hooks, requests, clock } = await stage(() => 204, { poll: '1h' })
    hooks.start()
    await clock.advance(10)
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1)
    expect(requests).toHaveLength(1)
  })

  it('tries again by the schedule, each delay counted from the attempt before, and then gives up', async () => {
    const { hooks, requests, clock, endpoint } = await stage(() => 500, {
      policy: { retry: ['0s', '1m', '5m', '30m'], jitter: 0 },
      poll: '10m',
    })
    const at: number[] = []
    hooks.on('attempt.failed', () => void at.push(clock.monotonic()))
    hooks.on('delivery.failed', ({ reason }) => void at.push(clock.monotonic(), reason as never))
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(30 * 24 * HOUR)
    expect(requests).toHaveLength(4)
    expect(at).toEqual([0, 60_000, 360_000, 2_160_000, 'exhausted'])
    const [delivery] = (await hooks.deliveries.list('acme')).data
    expect(delivery).toMatchObject({ state: 'failed', reason: 'exhausted', attempts: 4, nextAttemptAt: null })
    expect((await hooks.endpoints.get('acme', endpoint.id)).enabled).toBe(true)
  })

  it('sends the same id and the same bytes with every attempt, under a fresh time', async () => {
    const { hooks, requests, clock } = await stage((_, n) => (n < 3 ? 500 : 200))
    hooks.start()
    await hooks.send('booking.created', { id: 'b1' }, { tenant: 'acme' })
    await clock.advance(HOUR)
    expect(requests).toHaveLength(3)
    expect(new Set(requests.map(({ body }) => Buffer.from(body).toString())).size).toBe(1)
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(requests.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3)
    const [delivery] = (await hooks.deliveries.list('acme')).data
    const attempts = await hooks.deliveries.attempts('acme', delivery?.id as string)
    expect(attempts.map(({ n, status }) => [n, status])).toEqual([
      [1, 500],
      [2, 500],
      [3, 200],
    ])
  })

  it('signs the body of every attempt anew where the format has its signature there, and changes nothing else', async () => {
    const { hooks, requests, clock } = await stage((_, n) => (n < 2 ? 500 : 200), { format: mailgun() })
    hooks.start()
    await hooks.send('booking.created', { id: 'b1' }, { tenant: 'acme' })
    await clock.advance(HOUR)
    const [first, second] = requests.map(({ body }) => JSON.parse(Buffer.from(body).toString()))
    expect(second['event-data']).toEqual(first['event-data'])
    expect(first['event-data']).toMatchObject({ event: 'booking.created', id: 'b1' })
    expect(second.signature.token).toBe(first.signature.token)
    expect(second.signature.timestamp > first.signature.timestamp).toBe(true)
    expect(second.signature.signature).not.toBe(first.signature.signature)
  })

  it('holds the whole endpoint where it asks to be left alone', async () => {
    const { hooks, requests, clock } = await stage((_, n) =>
      n === 1 ? { status: 429, headers: { 'retry-after': '60' } } : 200,
    )
    hooks.start()
    await hooks.send('user.deleted', { n: 1 }, { tenant: 'acme' })
    await clock.advance(1_000)
    await hooks.send('user.deleted', { n: 2 }, { tenant: 'acme' })
    await clock.advance(50_000)
    expect(requests).toHaveLength(1)
    await clock.advance(30_000)
    expect(requests).toHaveLength(3)
  })

  it('ends the delivery and disables the endpoint at 410, and tells the host', async () => {
    const { hooks, clock, endpoint, requests } = await stage(() => 410)
    const told: unknown[] = []
    hooks.on('endpoint.disabled', (event) => void told.push(event))
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(HOUR)
    expect(requests).toHaveLength(1)
    expect(told).toMatchObject([{ tenant: 'acme', endpointId: endpoint.id, reason: 'gone' }])
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({ enabled: false, reason: 'gone' })
    const states = (await hooks.deliveries.list('acme')).data.map(({ state, reason }) => [state, reason])
    expect(states).toEqual([
      ['skipped', 'endpoint_disabled'],
      ['failed', 'gone'],
    ])
  })

  it('has no more in flight to one endpoint than its cap, and does not make the others wait', async () => {
    const release: (() => void)[] = []
    const { hooks, requests, clock } = await stage(
      ({ url }) => (url.host === 'acme.example' ? new Promise((resolve) => release.push(() => resolve(200))) : 200),
      { endpointConcurrency: 3, concurrency: 10 },
    )
    await hooks.endpoints.create('globex', { url: 'https://globex.example/' })
    hooks.start()
    await hooks.sendMany(
      Array.from({ length: 50 }, () => ({ type: 'user.deleted' as const, data: {}, tenant: 'acme' })),
    )
    await clock.advance(100)
    await hooks.send('user.deleted', {}, { tenant: 'globex' })
    await clock.advance(100)
    expect(requests.filter(({ url }) => url.host === 'acme.example')).toHaveLength(3)
    expect(requests.filter(({ url }) => url.host === 'globex.example')).toHaveLength(1)
    while (release.length > 0) {
      for (const open of release.splice(0)) open()
      await clock.advance(10)
    }
    expect(requests).toHaveLength(51)
  })

  it('does not count an attempt that its worker did not live to report, and logs it as lost', async () => {
    const { hooks, storage, clock, contract, random } = await stage()
    const hung = createSender({
      contract,
      storage,
      clock,
      random,
      transport: { send: () => new Promise(() => {}) },
      concurrency: 1,
    })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    hung.start()
    await clock.advance(100)
    const [before] = (await hooks.deliveries.list('acme')).data
    expect(before?.state).toBe('sending')
    hooks.start()
    await clock.advance(61_000)
    const [after] = (await hooks.deliveries.list('acme')).data
    expect(after).toMatchObject({ state: 'delivered', attempts: 1 })
    const attempts = await hooks.deliveries.attempts('acme', before?.id as string)
    expect(attempts.map(({ n, error, status }) => error ?? [n, status])).toEqual(['lost', [1, 204]])
  })

  it('gives up work that ends its worker each time', async () => {
    const { hooks, storage, clock, contract, random, requests } = await stage()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    const killer = createSender({
      contract,
      storage,
      clock,
      random,
      transport: { send: () => new Promise(() => {}) },
      concurrency: 1,
    })
    await killer.drain({ maxMs: 0 })
    for (let i = 0; i < 5; i++) {
      const leases = await (i === 0
        ? expandThenClaim()
        : storage.claim({ worker: 'w', limit: 1, leaseMs: 1_000, cap: 4 }))
      expect(leases[0]?.claims).toBe(i + 1)
      await clock.advance(1_001)
    }
    hooks.start()
    await clock.advance(5_000)
    expect(requests).toHaveLength(0)
    expect((await hooks.deliveries.list('acme')).data[0]).toMatchObject({
      state: 'failed',
      reason: 'poison',
      attempts: 0,
    })

    async function expandThenClaim() {
      const [message] = await storage.unexpanded(1)
      const [endpoint] = await storage.endpoints.forTenants(['acme'])
      await storage.expand([
        { messageId: message?.id as string, deliveries: [{ id: 'dlv_1', endpointId: endpoint?.id as string }] },
      ])
      return storage.claim({ worker: 'w', limit: 1, leaseMs: 1_000, cap: 4 })
    }
  })

  it('delivers at the time that was asked for, not before', async () => {
    const { hooks, requests, clock } = await stage()
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme', deliverAt: new Date(clock.now().getTime() + 60_000) })
    await clock.advance(59_000)
    expect(requests).toHaveLength(0)
    await clock.advance(3_000)
    expect(requests).toHaveLength(1)
  })
})

describe('resending and cancelling', () => {
  it('sends a delivery again with its id and bytes, and the whole schedule before it', async () => {
    const { hooks, requests, clock } = await stage((_, n) => (n <= 3 ? 500 : 200), {
      policy: { retry: ['0s', '1m'], jitter: 0 },
    })
    hooks.start()
    await hooks.send('booking.created', { id: 'b1' }, { tenant: 'acme' })
    await clock.advance(HOUR)
    const [failed] = (await hooks.deliveries.list('acme')).data
    expect(failed).toMatchObject({ state: 'failed', attempts: 2 })
    const resent = await hooks.deliveries.resend('acme', failed?.id as string)
    expect(resent).toMatchObject({ id: failed?.id, state: 'retrying' })
    await clock.advance(1_000)
    expect(await hooks.deliveries.get('acme', failed?.id as string)).toMatchObject({ state: 'retrying', attempts: 3 })
    await clock.advance(HOUR)
    expect(await hooks.deliveries.get('acme', failed?.id as string)).toMatchObject({ state: 'delivered', attempts: 4 })
    expect(Buffer.from(requests[2]?.body as Uint8Array).equals(Buffer.from(requests[0]?.body as Uint8Array))).toBe(true)
    expect((await hooks.deliveries.attempts('acme', failed?.id as string)).map(({ trigger }) => trigger)).toEqual([
      'schedule',
      'schedule',
      'manual',
      'schedule',
    ])
  })

  it('refuses to resend what is being sent', async () => {
    const { hooks, clock } = await stage(() => new Promise(() => {}))
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(100)
    const [open] = (await hooks.deliveries.list('acme')).data
    await expect(hooks.deliveries.resend('acme', open?.id as string)).rejects.toThrow(code('delivery_in_flight'))
    await expect(hooks.deliveries.cancel('acme', open?.id as string)).rejects.toThrow(code('delivery_in_flight'))
  })

  it('gives up what is waiting', async () => {
    const { hooks, clock, requests } = await stage(() => 500)
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(100)
    const [waiting] = (await hooks.deliveries.list('acme')).data
    expect(waiting?.state).toBe('retrying')
    expect(await hooks.deliveries.cancel('acme', waiting?.id as string)).toMatchObject({ state: 'cancelled' })
    await clock.advance(HOUR)
    expect(requests).toHaveLength(1)
  })

  it('tells of no failure where a delivery is skipped, because its endpoint was disabled at the same moment', async () => {
    const { hooks, clock, storage, requests, endpoint } = await stage()
    const told: string[] = []
    hooks.on('delivery.failed', ({ reason }) => void told.push(reason))
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    const [message] = await storage.unexpanded(1)
    const deliveries = [{ id: 'dlv_1', endpointId: endpoint.id }]
    await storage.expand([{ messageId: message?.id as string, deliveries }])
    const stored = await storage.endpoints.get('acme', endpoint.id)
    if (!stored) throw new Error('there is no endpoint')
    await storage.endpoints.update({ ...stored, state: 'disabled', reason: 'manual' }, stored.rev)
    hooks.start()
    await clock.advance(100)
    expect(await hooks.deliveries.get('acme', 'dlv_1')).toMatchObject({ state: 'skipped', reason: 'endpoint_disabled' })
    expect(requests).toHaveLength(0)
    expect(told).toEqual([])
    await hooks.stop()
  })

  it('gives up nothing that a worker has taken at the same moment, and says so', async () => {
    const { storage, clock, contract, random, transport, endpoint } = await stage()
    const racing: Storage = {
      ...storage,
      async retire(selector, to, limit) {
        await storage.claim({ worker: 'another', limit: 1, leaseMs: 60_000, cap: 1 })
        return storage.retire(selector, to, limit)
      },
    }
    const hooks = createSender({ contract, storage: racing, clock, random, transport })
    const { id } = await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await storage.expand([{ messageId: id, deliveries: [{ id: 'dlv_1', endpointId: endpoint.id }] }])
    expect(await hooks.deliveries.get('acme', 'dlv_1')).toMatchObject({ state: 'pending' })
    await expect(hooks.deliveries.cancel('acme', 'dlv_1')).rejects.toThrow(code('delivery_in_flight'))
  })

  it('finds nothing of other tenants', async () => {
    const { hooks } = await stage()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await hooks.drain({ maxMs: 10_000 })
    const [delivery] = (await hooks.deliveries.list('acme')).data
    const missing = code('delivery_not_found')
    for (const act of ['get', 'resend', 'cancel', 'attempts'] as const) {
      await expect(hooks.deliveries[act]('globex', delivery?.id as string)).rejects.toThrow(missing)
    }
    expect((await hooks.deliveries.list('globex')).data).toHaveLength(0)
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ delivered: 1, failed: 0 })
  })
})

/** A storage that, once it is told to, answers no more. */
function silenced(storage: Storage) {
  let isSilent = false
  const silent = new Proxy(storage, {
    get: (target, name) => {
      const member = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => (isSilent ? new Promise(() => {}) : member.apply(target, given))
    },
  })
  return {
    silent,
    silence: () => {
      isSilent = true
    },
  }
}

describe('stopping and draining', () => {
  it('lets what is in flight end, and starts nothing more', async () => {
    const { transport, requests } = scriptedTransport(() => 200)
    let finish = () => {}
    const slow = {
      send: async (request: Parameters<typeof transport.send>[0]) => {
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        return transport.send(request)
      },
    }
    const { hooks, storage, clock, contract, random } = await stage()
    const worker = createSender({ contract, storage, clock, random, transport: slow, endpointConcurrency: 1 })
    await hooks.sendMany(Array.from({ length: 3 }, () => ({ type: 'user.deleted' as const, data: {}, tenant: 'acme' })))
    worker.start()
    await clock.advance(100)
    const stopped = worker.stop()
    await clock.advance(10)
    finish()
    await clock.advance(10)
    await stopped
    expect(requests).toHaveLength(1)
    const states = (await hooks.deliveries.list('acme')).data.map(({ state }) => state).sort()
    expect(states).toEqual(['delivered', 'pending', 'pending'])
  })

  it('stops once, however often it is told to, and each of them waits for it', async () => {
    const { storage, clock, contract, random, hooks: other } = await stage()
    let finish = () => {}
    const answer = { status: 200, ms: 1, sent: true, headers: {}, body: new Uint8Array(), truncated: false }
    const close = vi.fn(async () => {})
    const send = () => new Promise<typeof answer>((resolve) => (finish = () => resolve(answer)))
    const hooks = createSender({ contract, storage, clock, random, transport: { send, close }, logger: silentLogger })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    hooks.start()
    await clock.advance(100)
    const over: number[] = []
    const stops = [1, 2].map((n) => hooks.stop().then(() => over.push(n)))
    await clock.advance(10)
    expect(over).toEqual([])
    finish()
    await clock.advance(10)
    await Promise.all(stops)
    await hooks.stop()
    expect(over).toEqual([1, 2])
    expect(await other.deliveries.stats('acme')).toMatchObject({ delivered: 1 })
    // It was given, and may be another sender's as well.
    expect(close).not.toHaveBeenCalled()
  })

  /** A sender whose receivers take 100 ms, with more to send than it can in the time. */
  async function busy(storageOf: (storage: Storage, clock: { sleep(ms: number): Promise<void> }) => Storage) {
    const { storage, clock, contract, random } = await stage()
    const { transport, requests } = scriptedTransport(async () => {
      await clock.sleep(100)
      return 204
    })
    const hooks = createSender({
      contract,
      storage: storageOf(storage, clock),
      clock,
      random,
      transport,
      logger: silentLogger,
    })
    const sendMany = (count: number) =>
      hooks.sendMany(Array.from({ length: count }, () => ({ type: 'user.deleted' as const, data: {}, tenant: 'acme' })))
    /** How many requests began after `stop`, and how long it took. */
    async function stopping() {
      const [before, from] = [requests.length, clock.monotonic()]
      let tookMs = Number.POSITIVE_INFINITY
      const stopped = hooks.stop().then(() => {
        tookMs = clock.monotonic() - from
      })
      await clock.advance(30_000)
      await stopped
      return { begun: requests.length - before, tookMs }
    }
    return { hooks, clock, sendMany, stopping, requests }
  }

  it('matches no more messages, and starts nothing of what it has matched, however many there are', async () => {
    const { hooks, clock, sendMany, stopping, requests } = await busy((storage, clock) => ({
      ...storage,
      async unexpanded(limit) {
        await clock.sleep(50)
        return storage.unexpanded(limit)
      },
    }))
    for (let n = 0; n < 5; n++) await sendMany(1_000)
    hooks.start()
    await clock.advance(200)
    expect(requests.length).toBeGreaterThan(0)
    const { begun, tookMs } = await stopping()
    expect(begun).toBe(0)
    expect(tookMs).toBeLessThan(200)
  })

  it('starts nothing more, though something else takes long to end', async () => {
    const { hooks, clock, sendMany, stopping, requests } = await busy((storage, clock) => ({
      ...storage,
      history: {
        ...storage.history,
        async prune() {
          await clock.sleep(15_000)
          return { removed: 0, more: true }
        },
      },
    }))
    hooks.start()
    await clock.advance(601_000)
    await sendMany(1_000)
    await clock.advance(200)
    expect(requests.length).toBeGreaterThan(0)
    expect((await stopping()).begun).toBe(0)
  })

  it('starts nothing more of a drain, and gives back what that has claimed', async () => {
    const { hooks, clock, sendMany, stopping, requests } = await busy((storage) => storage)
    await sendMany(100)
    const drained = hooks.drain({ maxMs: 60_000 })
    await clock.advance(250)
    expect(requests.length).toBeGreaterThan(0)
    const { begun, tookMs } = await stopping()
    expect(begun).toBe(0)
    expect(tookMs).toBeLessThan(200)
    await drained
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ sending: 0, retrying: 0 })
  })

  it('is over within 21 seconds, though the storage answers no more, and says so', async () => {
    const { storage, clock, contract, random, transport } = await stage()
    const warn = vi.fn()
    const { silent, silence } = silenced(storage)
    const hooks = createSender({
      contract,
      storage: silent,
      clock,
      random,
      transport,
      logger: { ...silentLogger, warn },
    })
    hooks.start()
    await clock.advance(100)
    silence()
    await clock.advance(2_000)
    let over = false
    const stopped = hooks.stop().then(() => (over = true))
    await clock.advance(19_000)
    expect(over).toBe(false)
    await clock.advance(2_000)
    expect(over).toBe(true)
    await stopped
    expect(warn).toHaveBeenCalledWith(expect.anything(), expect.stringContaining('leases run out'))
  })

  it('is over within 21 seconds, though an attempt may take a minute: nobody else has it before its lease is over', async () => {
    const {
      storage,
      clock,
      contract,
      random,
      hooks: other,
    } = await stage(() => 204, {
      policy: { deadline: '60s' },
      lease: '70s',
    })
    const transport = { send: () => new Promise<never>(() => {}) }
    const hooks = createSender({ contract, storage, clock, random, transport, lease: '70s', logger: silentLogger })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    hooks.start()
    await clock.advance(1_000)
    let over = false
    const stopped = hooks.stop().then(() => (over = true))
    await clock.advance(21_000)
    expect(over).toBe(true)
    await stopped
    expect(await other.deliveries.stats('acme')).toMatchObject({ sending: 1 })
  })

  it('drains what is due within its budget, and waits for nothing that is due later', async () => {
    const { hooks, requests } = await stage((_, n) => (n === 1 ? 500 : 200))
    await hooks.sendMany(
      Array.from({ length: 25 }, () => ({ type: 'user.deleted' as const, data: {}, tenant: 'acme' })),
    )
    await hooks.drain({ maxMs: 8_000 })
    expect(requests).toHaveLength(25)
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ delivered: 24, retrying: 1 })
  })

  it('drains for no longer than its budget, though the storage answers no more, and says so', async () => {
    const { storage, clock, contract, random, transport } = await stage()
    const warn = vi.fn()
    const { silent, silence } = silenced(storage)
    const logger = { ...silentLogger, warn }
    const hooks = createSender({ contract, storage: silent, clock, random, transport, logger })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    silence()
    let over = false
    const drained = hooks.drain({ maxMs: 8_000 }).then(() => (over = true))
    await clock.advance(7_900)
    expect(over).toBe(false)
    await clock.advance(200)
    expect(over).toBe(true)
    await drained
    expect(warn).toHaveBeenCalledWith(expect.anything(), expect.stringContaining('leases run out'))
  })

  it('starts nothing in a drain that it could not wait for', async () => {
    const { hooks, requests } = await stage()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await hooks.drain({ maxMs: 2_000 })
    expect(requests).toHaveLength(0)
  })

  it('reports how it is doing', async () => {
    const { hooks, clock } = await stage(() => 500)
    expect(await hooks.health()).toMatchObject({ running: false, lastClaimAt: null, open: 0 })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(100)
    expect(await hooks.health()).toMatchObject({
      running: true,
      open: 1,
      unexpanded: 0,
      inFlight: 0,
      lastClaimAt: expect.any(Date),
    })
  })

  it('survives listeners that throw or reject, says so, and says nothing of one that returns something', async () => {
    const errors: object[] = []
    const { hooks, clock, requests } = await stage(() => 204, {
      logger: { ...silentLogger, error: (fields) => errors.push(fields) },
    })
    const told: unknown[] = []
    const [thrown, rejected, foreign] = [new Error('host bug'), new Error('another'), new Error('of another realm')]
    hooks.on('delivery.delivered', () => {
      throw thrown
    })
    hooks.on('delivery.delivered', async () => {
      throw rejected
    })
    const rejectElsewhere = runInNewContext('(error) => Promise.reject(error)')
    hooks.on('delivery.delivered', () => rejectElsewhere(foreign))
    hooks.on('delivery.delivered', (event) => void told.push(event))
    hooks.on('delivery.delivered', (event) => told.push(event) as unknown as undefined)
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(100)
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(100)
    expect(requests).toHaveLength(2)
    expect(told).toHaveLength(4)
    const event = 'delivery.delivered'
    expect(errors).toEqual([
      { error: thrown, event },
      { error: rejected, event },
      { error: foreign, event },
      { error: thrown, event },
      { error: rejected, event },
      { error: foreign, event },
    ])
  })
})
