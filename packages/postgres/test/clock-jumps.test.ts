import { type Clock, defineContract, defineEvents, type Ms, type Storage, silentLogger, systemClock } from '@hooks/core'
import { type Answer, createSender } from '@hooks/sender'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'

const DAY = 86_400_000
const RETRY_MS = 300
const HOLD_MS = 400

/** Two workers on one database; the own clock of one of them jumps, when it is told to. */
async function twoWorkers(answer: (n: number) => Promise<number>) {
  const { url, drop } = await (server as NonNullable<typeof server>).database()
  const pool = new pg.Pool({ connectionString: url, max: 8 })
  let off = 0
  const own: Clock = { ...systemClock, now: () => new Date(Date.now() + off) }
  const requests: { readonly from: Ms; to: Ms }[] = []
  const transport = {
    async send(): Promise<Answer> {
      const request = { from: performance.now(), to: Number.POSITIVE_INFINITY }
      requests.push(request)
      const status = await answer(requests.length)
      request.to = performance.now()
      return { status, headers: {}, body: new Uint8Array(), truncated: false, ms: 1, sent: true }
    },
  }
  let looks = 0
  const start = (clock: Clock) => {
    const storage = postgresStorage(pool, { migrate: true })
    const watched = new Proxy(storage as Storage, {
      get(target, key) {
        if (key === 'nextDueInMs') looks++
        return Reflect.get(target, key)
      },
    })
    return createSender({
      contract: defineContract({
        events: defineEvents({ tick: {} }),
        policy: {
          retry: ['0s', RETRY_MS, RETRY_MS, RETRY_MS],
          jitter: 0,
          breaker: { after: 2, hold: HOLD_MS, longestHold: '1d' },
        },
      }),
      storage: watched,
      clock,
      transport,
      logger: silentLogger,
      poll: '50ms',
    })
  }
  const jumping = start(own)
  const steady = start(systemClock)
  await jumping.endpoints.create('acme', { url: 'https://acme.example/' })
  return {
    jumping,
    steady,
    requests,
    jump: (ms: Ms) => {
      off = ms
    },
    looks: () => looks,
    ended: () =>
      new Promise<void>((resolve) => {
        for (const hooks of [jumping, steady]) hooks.on('delivery.delivered', () => resolve())
      }),
    async close() {
      await Promise.all([jumping.stop(), steady.stop()])
      await pool.end()
      await drop()
    },
  }
}

describe.skipIf(!server)(
  "a day by which a worker's own clock jumps, on a real PostgreSQL",
  { timeout: 120_000 },
  () => {
    it.each([
      ['ahead', DAY],
      ['back', -DAY],
    ])('%s moves no retry, no lease and no hold', async (_way, by) => {
      const world = await twoWorkers(async (n) => {
        // In the middle of the first request, which both workers could take for over if they went by their own clocks.
        if (n === 1) {
          world.jump(by)
          const seen = world.looks()
          while (world.looks() < seen + 10) await systemClock.sleep(10)
        }
        return n < 4 ? 500 : 204
      })
      const ended = world.ended()
      world.jumping.start()
      await world.jumping.send('tick', {}, { tenant: 'acme' })
      while (world.requests.length === 0) await systemClock.sleep(5)
      world.steady.start()
      await ended
      await world.close()
      const { requests } = world
      // One after the other, none before its time: the fourth came, so none was held for the day that the clock jumped.
      expect(requests).toHaveLength(4)
      const waits = requests.slice(1).map(({ from }, i) => from - (requests[i]?.to as number))
      expect(waits.map((wait, i) => wait >= (i === 0 ? RETRY_MS : HOLD_MS) - 1)).toEqual([true, true, true])
    })

    it.each([
      ['ahead', DAY],
      ['back', -DAY],
    ])('%s makes nothing due that is sent for later', async (_way, by) => {
      const world = await twoWorkers(async () => 204)
      world.jumping.start()
      world.steady.start()
      await world.jumping.send('tick', {}, { tenant: 'acme', deliverAt: new Date(Date.now() + 3_600_000) })
      world.jump(by)
      const seen = world.looks()
      while (world.looks() < seen + 20) await systemClock.sleep(10)
      expect(world.requests).toEqual([])
      expect(await world.jumping.health()).toMatchObject({ due: 0, unexpanded: 1 })
      // Each is told how far off it is, to the hour: how busy the machine is matters to neither.
      const skews = await Promise.all([world.jumping, world.steady].map((hooks) => hooks.health()))
      expect(skews.map(({ clockSkewMs }) => Math.round(clockSkewMs / 3_600_000) + 0)).toEqual([-by / 3_600_000, 0])
      await world.close()
    })
  },
)
