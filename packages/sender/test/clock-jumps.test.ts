import { type Clock, defineContract, type Ms, silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createSender, memoryStorage } from '../src/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { virtualClock } from '../src/testing/virtual-clock.ts'
import { events, HOUR, scriptedTransport } from './stage.ts'

const DAY = 24 * HOUR
const HABITS = ['good', 'flaky', 'broken', 'paced', 'hung'] as const

/**
 * A day of deliveries to endpoints of all habits, whose worker's own clock jumps in the first minute; the storage's does not.
 * Returns all that happened, with the time at which it did.
 */
async function aDay(jump: Ms) {
  const clock = virtualClock()
  const random = seededRandom(4)
  let off = 0
  const own: Clock = { ...clock, now: () => new Date(clock.now().getTime() + off) }
  const tries = new Map<string, number>()
  const happened: string[] = []
  const note = (what: string) => void happened.push(`${(clock.monotonic() / 1_000).toFixed(1)} s ${what}`)
  const { transport } = scriptedTransport(async ({ url }) => {
    const habit = url.host.split('.')[0] as (typeof HABITS)[number]
    const n = (tries.get(habit) ?? 0) + 1
    tries.set(habit, n)
    note(`${habit} ${n}`)
    if (habit === 'hung') {
      await clock.sleep(15_000)
      return { error: 'response_timeout', detail: '' }
    }
    if (habit === 'flaky') return n < 4 ? 500 : 200
    if (habit === 'paced') return n < 3 ? { status: 429, headers: { 'retry-after': '20' } } : 200
    return habit === 'broken' ? 500 : 200
  })
  const storage = memoryStorage({ clock, random })
  const hooks = createSender({
    contract: defineContract({
      events,
      policy: {
        retry: ['0s', '5s', '30s', '5m', '30m', '2h'],
        breaker: { after: 4, hold: '30s', longestHold: '30m' },
        disable: { afterFailures: 8 },
        probeAfter: '12h',
      },
    }),
    storage,
    clock: own,
    random,
    transport,
    logger: silentLogger,
    poll: '1h',
    retention: { payloads: '12h', attempts: false },
  })
  for (const event of ['endpoint.disabled', 'endpoint.enabled'] as const)
    hooks.on(event, ({ tenant }) => note(`${event} ${tenant}`))
  for (const habit of HABITS) await hooks.endpoints.create(habit, { url: `https://${habit}.example/` })
  hooks.start()
  const sent: { tenant: string; id: string }[] = []
  const sendAll = async (options: object = {}) => {
    for (const tenant of HABITS) {
      for (let n = 0; n < 3; n++) {
        const { id } = await hooks.send('user.deleted', {}, { tenant, ...options })
        sent.push({ tenant, id })
      }
    }
  }
  await sendAll()
  await sendAll({ deliverAt: new Date(own.now().getTime() + HOUR) })
  await clock.advance(10_000)
  off = jump
  for (let hour = 0; hour < 26; hour++) {
    await clock.advance(HOUR)
    const views = await Promise.all(sent.map(({ tenant, id }) => hooks.messages.get(tenant, id)))
    note(`${views.filter(({ data }) => data !== undefined).length} payloads kept`)
  }
  await Promise.all([hooks.stop(), clock.advance(20_000)])
  return happened
}

describe("a day by which a worker's own clock jumps", { timeout: 120_000 }, () => {
  it.each([
    ['ahead', DAY],
    ['back', -DAY],
  ])('%s changes nothing that is due by the clock of the storage', async (_way, jump) => {
    const steady = await aDay(0)
    // The world has all of it: retries, holds, a breaker's probes, a disabling, a try a day later, payloads forgotten.
    for (const what of ['endpoint.disabled', 'endpoint.enabled', '30 payloads kept', ' 0 payloads kept'])
      expect(steady.join('\n')).toContain(what)
    expect(await aDay(jump)).toEqual(steady)
  })
})

describe('a host whose own clock is a day off', { timeout: 60_000 }, () => {
  it.each([
    ['ahead', DAY],
    ['behind', -DAY],
  ])(
    '%s, recovers what failed until its job was created by the clock of the storage, and nothing that came after',
    async (_way, off) => {
      const clock = virtualClock()
      const random = seededRandom(4)
      const own: Clock = { ...clock, now: () => new Date(clock.now().getTime() + off) }
      let status = 500
      const { transport, requests } = scriptedTransport(() => status)
      const hooks = createSender({
        contract: defineContract({ events, policy: { retry: ['0s'], breaker: false, disable: 'never' } }),
        storage: memoryStorage({ clock, random }),
        clock: own,
        random,
        transport,
        logger: silentLogger,
      })
      const { id } = await hooks.endpoints.create('acme', { url: 'https://acme.example/' })
      hooks.start()
      const fail = async (count: number) => {
        const messages = Array.from({ length: count }, () => ({
          type: 'user.deleted' as const,
          data: {},
          tenant: 'acme',
        }))
        await hooks.sendMany(messages)
        await clock.advance(1_000)
      }
      await fail(20)
      const since = new Date(clock.now().getTime() - HOUR)
      expect(await hooks.recover('acme', id, { since, dryRun: true })).toEqual({ matching: 20, expired: 0 })
      const job = await hooks.recover('acme', id, { since, perSecond: 5 })
      expect([job.until, job.total.matching]).toEqual([job.createdAt, 20])
      // What fails after that is another job's.
      await clock.advance(10)
      await fail(4)
      requests.length = 0
      status = 200
      await clock.advance(60_000)
      expect(await hooks.jobs.get('acme', job.id)).toMatchObject({ state: 'done', sent: 20 })
      await hooks.stop()
    },
  )
})
