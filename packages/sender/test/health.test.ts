import { silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createSender } from '../src/index.ts'
import type { OperationalEvent } from '../src/operational-events.ts'
import type { Sender } from '../src/sender-api.ts'
import { HOUR, stage } from './stage.ts'

const DAY = 24 * HOUR
const SLOW = { poll: '10m' } as const

/** Notes operational events, in their order. */
function listen(hooks: unknown, ...names: OperationalEvent[]) {
  const told: [string, Record<string, unknown>][] = []
  for (const name of names) (hooks as Sender).on(name, (event) => void told.push([name, event as never]))
  return told
}

const sendN = (hooks: { sendMany: (messages: never) => Promise<unknown> }, count: number) =>
  hooks.sendMany(
    Array.from({ length: count }, (_, n) => ({ type: 'user.deleted', data: { n }, tenant: 'acme' })) as never,
  )

describe('the health of an endpoint', () => {
  it.each([
    ['410', 410],
    ['disable', { status: 500, headers: { 'webhook-delivery': 'disable' } }],
  ])('what its old URL answers once it has another does not disable it: %s', async (_, answer) => {
    const { hooks, clock, endpoint, requests } = await stage(async (_request, n) => {
      if (n > 1) return 200
      await clock.sleep(1_000)
      return answer
    }, SLOW)
    const told = listen(hooks, 'endpoint.disabled')
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(500)
    await hooks.endpoints.update('acme', endpoint.id, { url: 'https://new.acme.example/webhooks' })
    await clock.advance(2_000)
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({ enabled: true, reason: null })
    expect(told).toEqual([])
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(requests.map(({ url }) => url.host)).toEqual(['acme.example', 'new.acme.example'])
    await hooks.stop()
  })

  it('after five days without a success it is disabled, and its owner is told after one and three', async () => {
    const { hooks, clock, endpoint } = await stage(() => 500, { ...SLOW, policy: { jitter: 0 } })
    const told = listen(hooks, 'endpoint.failing', 'endpoint.disable_scheduled', 'endpoint.disabled')
    hooks.start()
    const start = clock.now().getTime()
    for (let hours = 0; hours < 130; hours++) {
      await hooks.send('user.deleted', { hours }, { tenant: 'acme' })
      await clock.advance(HOUR)
    }
    expect(told.map(([name]) => name)).toEqual(['endpoint.failing', 'endpoint.disable_scheduled', 'endpoint.disabled'])
    const at = told.map(([, event]) => ((event.at as Date).getTime() - start) / DAY)
    for (const [i, days] of [1, 3, 5].entries()) expect(at[i]).toBeGreaterThanOrEqual(days)
    for (const [i, days] of [1.1, 3.1, 5.1].entries()) expect(at[i]).toBeLessThan(days)
    expect(told[0]?.[1]).toMatchObject({
      tenant: 'acme',
      endpointId: endpoint.id,
      type: 'user.deleted',
    })
    const [, scheduled = {}] = told[1] ?? []
    expect(((scheduled.disableAt as Date).getTime() - start) / DAY).toBeCloseTo(5, 1)
    expect(told[2]?.[1]).toMatchObject({ reason: 'failing', messageId: expect.stringMatching(/^msg_/) })
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({ enabled: false, reason: 'failing' })
    const stats = await hooks.deliveries.stats('acme', { endpoint: endpoint.id })
    expect(stats.skipped).toBeGreaterThan(50)
    expect(stats.pending + stats.retrying).toBe(0)
    await hooks.stop()
  })

  it('a success in between begins the time anew, and is told where a warning was', async () => {
    const { hooks, clock } = await stage((_, n) => (n % 30 === 0 ? 200 : 500), { ...SLOW, policy: { breaker: false } })
    const told = listen(hooks, 'endpoint.failing', 'endpoint.disabled', 'endpoint.recovered')
    hooks.start()
    for (let hours = 0; hours < 24 * 7; hours += 4) {
      await hooks.send('user.deleted', { hours }, { tenant: 'acme' })
      await clock.advance(4 * HOUR)
    }
    const names = told.map(([name]) => name)
    expect(names).not.toContain('endpoint.disabled')
    expect(names.filter((name) => name === 'endpoint.recovered').length).toBeLessThanOrEqual(
      names.filter((name) => name === 'endpoint.failing').length,
    )
    await hooks.stop()
  })

  it('a recovery is told once, though several were in flight, and again after the next failure', async () => {
    let status = 500
    const answer = async () => {
      if (status === 200) await clock.sleep(1_000)
      return status
    }
    const policy = { retry: ['0s', '40h'], jitter: 0, breaker: false } as const
    const { hooks, clock } = await stage(answer, { ...SLOW, policy })
    const told = listen(hooks, 'endpoint.failing', 'endpoint.recovered')
    hooks.start()
    for (let times = 0; times < 2; times++) {
      status = 500
      await sendN(hooks, 1)
      await clock.advance(25 * HOUR)
      await sendN(hooks, 1)
      await clock.advance(HOUR)
      status = 200
      await sendN(hooks, 4)
      await clock.advance(20 * HOUR)
    }
    const once = ['endpoint.failing', 'endpoint.recovered']
    expect(told.map(([name]) => name)).toEqual([...once, ...once])
    await hooks.stop()
  })

  it('a recovery is told once, though it was requests of several processes that ended well at one time', async () => {
    let status = 500
    const answer = async () => {
      if (status === 200) await clock.sleep(1_000)
      return status
    }
    const policy = { retry: ['0s', '40h'], jitter: 0, breaker: false } as const
    const { hooks, clock, storage, contract, random, transport } = await stage(answer, {
      ...SLOW,
      policy,
      concurrency: 2,
    })
    const other = createSender({ contract, storage, clock, random, transport, logger: silentLogger, ...SLOW })
    const told = [hooks, other].map((one) =>
      listen(one, 'endpoint.failing', 'endpoint.recovered', 'delivery.delivered'),
    )
    hooks.start()
    await sendN(hooks, 1)
    await clock.advance(25 * HOUR)
    await sendN(hooks, 1)
    await clock.advance(HOUR)
    other.start()
    status = 200
    await sendN(hooks, 4)
    await clock.advance(HOUR)
    const names = told.map((one) => one.map(([name]) => name))
    for (const one of names) expect(one).toContain('delivery.delivered')
    const once = ['endpoint.failing', 'endpoint.recovered']
    expect(names.flat().filter((name) => name !== 'delivery.delivered')).toEqual(once)
    await Promise.all([hooks.stop(), other.stop()])
  })

  it('after N exhausted deliveries in a row it is disabled, what comes then is skipped, and it can be enabled again', async () => {
    let status = 500
    const { hooks, clock, endpoint } = await stage(() => status, {
      policy: { retry: ['0s', '1m', '5m', '30m', '2h'], jitter: 0, disable: { afterExhausted: 1 } },
      ...SLOW,
    })
    const told = listen(hooks, 'delivery.exhausted', 'endpoint.disabled', 'endpoint.enabled')
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(3 * HOUR)
    expect(told.map(([name]) => name)).toEqual(['delivery.exhausted', 'endpoint.disabled'])
    expect(told[1]?.[1]).toMatchObject({ reason: 'exhausted', failures: 5, exhausted: 1 })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(HOUR)
    const [missed] = (await hooks.deliveries.list('acme')).data
    expect(missed).toMatchObject({ state: 'skipped', reason: 'endpoint_disabled', attempts: 0 })
    status = 200
    await hooks.endpoints.enable('acme', endpoint.id)
    expect(told[2]).toMatchObject(['endpoint.enabled', { by: 'hand', endpointId: endpoint.id }])
    await hooks.deliveries.resend('acme', missed?.id as string)
    await clock.advance(1_000)
    expect(await hooks.deliveries.get('acme', missed?.id as string)).toMatchObject({ state: 'delivered' })
    await hooks.stop()
  })

  it('after N failed attempts in a row it is disabled, and a success between them counts anew', async () => {
    const answers = [500, 500, 500, 500, 200, 500, 500, 500, 500, 500]
    const { hooks, clock, endpoint, requests } = await stage((_, n) => answers[n - 1] ?? 200, {
      policy: { retry: ['0s'], disable: { afterFailures: 5 }, breaker: false },
    })
    hooks.start()
    for (let n = 0; n < 9; n++) {
      await hooks.send('user.deleted', { n }, { tenant: 'acme' })
      await clock.advance(2_000)
      expect((await hooks.endpoints.get('acme', endpoint.id)).enabled).toBe(true)
    }
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(2_000)
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({ enabled: false, reason: 'failing' })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(2_000)
    expect(requests).toHaveLength(10)
    await hooks.stop()
  })

  it('is never disabled where a product promised that, and its owner is told all the same', async () => {
    const { hooks, clock, endpoint } = await stage(() => 500, {
      policy: { retry: ['0s', '5m'], disable: 'never', breaker: false },
      ...SLOW,
    })
    const told = listen(hooks, 'endpoint.failing', 'endpoint.disable_scheduled', 'endpoint.disabled')
    hooks.start()
    for (let hours = 0; hours < 24 * 7; hours += 2) {
      await hooks.send('user.deleted', { hours }, { tenant: 'acme' })
      await clock.advance(2 * HOUR)
    }
    expect(told).toMatchObject([['endpoint.failing', { disableAt: null }]])
    expect((await hooks.endpoints.get('acme', endpoint.id)).enabled).toBe(true)
    await hooks.stop()
  })

  it('does not suffer from what a person tried', async () => {
    const { hooks, clock, endpoint } = await stage(() => 500, {
      policy: { retry: ['0s', '1h'], disable: { afterFailures: 2 } },
      ...SLOW,
    })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    const [delivery] = (await hooks.deliveries.list('acme')).data
    for (let n = 0; n < 5; n++) {
      await hooks.deliveries.resend('acme', delivery?.id as string)
      await clock.advance(1_000)
    }
    expect(await hooks.deliveries.get('acme', delivery?.id as string)).toMatchObject({ attempts: 6 })
    expect((await hooks.endpoints.get('acme', endpoint.id)).enabled).toBe(true)
    await hooks.stop()
  })

  it('that the policy disabled is tried again after a time, and one failure disables it again', async () => {
    let status = 500
    const { hooks, clock, endpoint, requests } = await stage(() => status, {
      policy: { retry: ['0s'], disable: { afterFailures: 2 }, probeAfter: '6h' },
      ...SLOW,
    })
    const told = listen(hooks, 'endpoint.disabled', 'endpoint.enabled', 'endpoint.recovered')
    hooks.start()
    const send = async () => {
      await hooks.send('user.deleted', {}, { tenant: 'acme' })
      await clock.advance(1_000)
    }
    await send()
    await send()
    await send()
    expect(requests).toHaveLength(2)
    await clock.advance(8 * HOUR)
    expect((await hooks.endpoints.get('acme', endpoint.id)).enabled).toBe(true)
    await send()
    await send()
    expect(requests).toHaveLength(3)
    status = 200
    await clock.advance(8 * HOUR)
    await send()
    await send()
    expect(requests).toHaveLength(5)
    expect(told.map(([name, event]) => event.by ?? event.reason ?? name)).toEqual([
      'failing',
      'probe',
      'failing',
      'probe',
      'endpoint.recovered',
    ])
    await hooks.stop()
  })

  it('that is enabled while it is being disabled keeps what comes after that', async () => {
    const { hooks, clock, endpoint, storage } = await stage(() => 200, SLOW)
    await hooks.pause()
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    const retire = storage.retire.bind(storage)
    storage.retire = async (...given) => {
      storage.retire = retire
      await clock.advance(1_000)
      await hooks.endpoints.enable('acme', endpoint.id)
      await hooks.send('user.deleted', {}, { tenant: 'acme' })
      await clock.advance(1_000)
      return retire(...given)
    }
    await hooks.endpoints.disable('acme', endpoint.id)
    expect(await hooks.deliveries.stats('acme')).toMatchObject({ skipped: 1, pending: 1 })
    await hooks.stop()
  })

  it('one that said it is gone is not tried again', async () => {
    const { hooks, clock, endpoint } = await stage(() => 410, { policy: { probeAfter: '1h' }, ...SLOW })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(12 * HOUR)
    expect(await hooks.endpoints.get('acme', endpoint.id)).toMatchObject({ enabled: false, reason: 'gone' })
    await hooks.stop()
  })

  it('a receiver can disable itself with a header, also with a success', async () => {
    const { hooks, clock, endpoint } = await stage(() => ({ status: 204, headers: { 'webhook-delivery': 'disable' } }))
    const told = listen(hooks, 'endpoint.disabled')
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(told).toMatchObject([['endpoint.disabled', { reason: 'disabled_by_receiver' }]])
    const [delivery] = (await hooks.deliveries.list('acme', { endpoint: endpoint.id })).data
    expect(delivery).toMatchObject({ state: 'delivered' })
    await hooks.stop()
  })

  it('a classify function that throws is logged, and the answer counts as it does by default', async () => {
    const errors: unknown[] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (_: object, message?: string) => void errors.push(message),
    }
    const { hooks, clock } = await stage(() => 204, {
      logger,
      policy: {
        classify: () => {
          throw new Error('bug')
        },
      },
    })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect((await hooks.deliveries.list('acme')).data).toMatchObject([{ state: 'delivered' }])
    expect(errors).toEqual([expect.stringContaining('policy.classify')])
    await hooks.stop()
  })
})

describe('an endpoint tells', () => {
  it('how it is doing, to its own tenant alone', async () => {
    const { hooks, clock, endpoint } = await stage(() => ({ status: 503, headers: { 'retry-after': '60' } }))
    expect(await hooks.endpoints.health('acme', endpoint.id)).toEqual({
      heldForMs: 0,
      paused: false,
      probing: false,
      failing: false,
      failures: 0,
      exhausted: 0,
      firstFailureAt: null,
      lastFailureAt: null,
    })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    const health = await hooks.endpoints.health('acme', endpoint.id)
    expect(health).toMatchObject({ failures: 1, firstFailureAt: expect.any(Date) })
    expect(health.heldForMs).toBeGreaterThan(50_000)
    await expect(hooks.endpoints.health('globex', endpoint.id)).rejects.toMatchObject({ code: 'endpoint_not_found' })
    await hooks.stop()
  })
})

describe('the circuit breaker', () => {
  it('leaves a failing endpoint alone and tries it with one request at a time, each wait twice as long', async () => {
    const at: number[] = []
    const { hooks, clock } = await stage(
      async () => {
        at.push(clock.monotonic())
        return 500
      },
      { policy: { retry: ['0s', '5s', '5s'], jitter: 0 }, poll: '1s' },
    )
    hooks.start()
    await sendN(hooks, 100)
    await clock.advance(1_000)
    const before = at.length
    // What was in flight when the tenth failed ends, and what was claimed until that was known.
    expect(before).toBeGreaterThanOrEqual(10)
    expect(before).toBeLessThan(10 + 2 * 4)
    await clock.advance(20 * 60_000)
    const waits = at.slice(before).map((time, i) => time - (at[before + i - 1] as number))
    expect(waits.length).toBeGreaterThan(4)
    expect(waits.length).toBeLessThan(9)
    for (const [i, wait] of waits.slice(1).entries()) expect(wait).toBeGreaterThanOrEqual((waits[i] as number) - 1_000)
    expect(Math.max(...waits)).toBeLessThan(302_000)
    await hooks.stop()
  })

  it('after one success all that waited goes on, and none of it has lost an attempt', async () => {
    let status = 500
    const { hooks, clock, requests } = await stage(() => status, {
      policy: { retry: ['0s', '5s', '5s', '5s', '5s', '5s'], jitter: 0 },
    })
    hooks.start()
    await sendN(hooks, 50)
    await clock.advance(60_000)
    expect(requests.length).toBeLessThan(20)
    status = 200
    await clock.advance(6 * 60_000)
    const stats = await hooks.deliveries.stats('acme')
    expect(stats).toMatchObject({ delivered: 50, failed: 0 })
    await hooks.stop()
  })

  it('is off where every delivery was promised its own times', async () => {
    const { hooks, clock, requests } = await stage(() => 503, {
      policy: { retry: ['0s', '1m', '5m'], jitter: 0, pace: false, disable: 'never' },
    })
    hooks.start()
    await sendN(hooks, 30)
    await clock.advance(10 * 60_000)
    expect(requests).toHaveLength(90)
    await hooks.stop()
  })
})

describe('concurrency that adapts', () => {
  it('drops to one at a time-out, and rises by one for ten successes in a row', async () => {
    let slow = true
    let inFlight = 0
    let most = 0
    const { hooks, clock, storage, endpoint } = await stage(async () => {
      most = Math.max(most, ++inFlight)
      await clock.sleep(100)
      inFlight--
      return slow ? { error: 'response_timeout', detail: '' } : 200
    })
    const cap = async () => (await storage.lanes([endpoint.id]))[0]?.cap
    hooks.start()
    await sendN(hooks, 4)
    await clock.advance(200)
    expect(most).toBe(4)
    expect(await cap()).toBe(1)
    slow = false
    most = 0
    await sendN(hooks, 40)
    await clock.advance(900)
    expect(most).toBe(1)
    await clock.advance(20_000)
    expect(most).toBe(4)
    expect(await cap()).toBe(null)
    await hooks.stop()
  })
})
