import { defineContract, silentLogger } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createSender, memoryStorage } from '../src/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { virtualClock } from '../src/testing/virtual-clock.ts'
import { events, scriptedTransport } from './stage.ts'

const FAILING = 2_500
const EACH = 4
const ALL = FAILING * EACH
const CAP = 4
const HEALTHY = 50
const SECONDS = 20
const PER_SECOND = 20
const MINUTE = 60_000
/** None of them is a wait that was asked for. */
const JUNK = ['-5', '', '1e400', 'Wed, 31 Dec 2025 23:59:00 GMT', '0x10', 'soon', '99999999999']

/** Attempts of one delivery. */
interface Tries {
  readonly from: number[]
  readonly to: number[]
}

/**
 * A host of many endpoints breaks down while ten thousand deliveries are under way to it, and stays away; a worker with its
 * defaults goes on, and has fifty others to serve. In virtual time: what is measured is who waits for whom.
 */
async function outage(isOut: boolean) {
  const clock = virtualClock()
  const random = seededRandom(9)
  const storage = memoryStorage({ clock, random })
  const tries = new Map<string, Tries>()
  const inFlight = new Map<string, number>()
  const sentAt = new Map<string, number>()
  const waits: number[] = []
  let most = 0
  let n = 0
  const { transport } = scriptedTransport(async ({ url, headers }) => {
    const id = headers['webhook-id'] as string
    if (url.host.startsWith('healthy')) {
      waits.push(clock.monotonic() - (sentAt.get(id) as number))
      await clock.sleep(20)
      return 200
    }
    const { from, to } = tries.get(id) ?? { from: [], to: [] }
    tries.set(id, { from, to })
    const here = (inFlight.get(url.host) ?? 0) + 1
    inFlight.set(url.host, here)
    most = Math.max(most, here)
    from.push(clock.monotonic())
    await clock.sleep(20)
    to.push(clock.monotonic())
    inFlight.set(url.host, (inFlight.get(url.host) as number) - 1)
    const junk = JUNK[n % JUNK.length] as string
    return n++ % 2
      ? { status: 500, headers: { 'retry-after': junk } }
      : { status: 503, headers: { 'retry-after': junk } }
  })
  const contract = defineContract({ events, policy: { disable: 'never' } })
  const start = (options: object) => {
    const hooks = createSender({ contract, storage, clock, random, transport, logger: silentLogger, ...options })
    hooks.start()
    return hooks
  }

  // Large enough to have all of it in flight at one instant.
  const before = start({ concurrency: ALL })
  for (let i = 0; i < FAILING; i++) await before.endpoints.create(`f${i}`, { url: `https://f${i}.example/` })
  for (let i = 0; i < HEALTHY; i++) await before.endpoints.create(`h${i}`, { url: `https://healthy${i}.example/` })
  if (isOut) {
    const messages = Array.from({ length: ALL }, (_, i) => ({
      type: 'user.deleted' as const,
      data: {},
      tenant: `f${i % FAILING}`,
    }))
    for (let i = 0; i < ALL; i += 1_000) await before.sendMany(messages.slice(i, i + 1_000))
  }
  await clock.advance(1_000)
  await Promise.all([before.stop(), clock.advance(1_000)])

  const hooks = start({})
  for (let i = 0; i < SECONDS * PER_SECOND; i++) {
    const { id } = await hooks.send('user.deleted', {}, { tenant: `h${i % HEALTHY}` })
    sentAt.set(id, clock.monotonic())
    await clock.advance(1_000 / PER_SECOND)
  }
  if (isOut) await clock.advance(30 * MINUTE)
  await Promise.all([hooks.stop(), clock.advance(20_000)])
  waits.sort((a, b) => a - b)
  return {
    tries: [...tries.values()],
    most,
    count: waits.length,
    p95: waits[Math.floor(waits.length * 0.95)] as number,
  }
}

/** The most that fall into one second. */
function busiest(times: readonly number[]): number {
  const seconds = new Map<number, number>()
  for (const at of times) seconds.set(Math.floor(at / 1_000), (seconds.get(Math.floor(at / 1_000)) ?? 0) + 1)
  return Math.max(...seconds.values())
}

describe('ten thousand deliveries that fail at one instant', { timeout: 300_000 }, () => {
  it('come again without a storm, and without making others wait', async () => {
    const alone = await outage(false)
    const { tries, most, count, p95 } = await outage(true)
    expect(tries).toHaveLength(ALL)
    const attempt = (n: number) => tries.map(({ from }) => from[n] as number)
    const gaps = (n: number) => tries.map(({ from, to }) => (from[n] as number) - (to[n - 1] as number))

    expect(busiest(attempt(0))).toBe(ALL)
    // The first retries are due within a second of each other; they drain under the caps, and the others do not wait.
    expect(attempt(1).filter((at) => at === undefined)).toEqual([])
    expect(most).toBeLessThanOrEqual(CAP)
    expect(count).toBe(SECONDS * PER_SECOND)
    expect(p95).toBeLessThanOrEqual(Math.max(2 * alone.p95, 5))
    // From the second on they are spread, so that no second has more than 5 % of them.
    expect(attempt(2).filter((at) => at === undefined)).toEqual([])
    expect(busiest(tries.flatMap(({ from }) => from.slice(2)))).toBeLessThanOrEqual(ALL / 20)
    // None before its time. Some later, where the breaker tries an endpoint with one at a time, with 5 minutes between them
    // at most; but none for the day that junk in `Retry-After` could ask for.
    expect(Math.min(...gaps(1))).toBeGreaterThanOrEqual(5_000)
    expect(Math.min(...gaps(2))).toBeGreaterThanOrEqual(5 * MINUTE)
    expect(Math.max(...gaps(2))).toBeLessThanOrEqual(20 * MINUTE)
  })
})
