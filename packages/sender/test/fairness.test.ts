import { describe, expect, it } from 'vitest'
import { stage } from './stage.ts'

const HEALTHY = 50
const SECONDS = 20
const PER_SECOND = 20
const BULK = 10_000

/**
 * Fifty healthy customers, and one neighbour with ten thousand deliveries due. Returns how long each of the healthy ones'
 * messages waited for its first byte, and what the neighbour had in flight at most.
 */
async function beside(neighbour: 'nobody' | 'hung' | 'bulk') {
  let inFlight = 0
  let most = 0
  const sentAt = new Map<string, number>()
  const waits: number[] = []
  const { hooks, clock } = await stage(
    async ({ url, headers }) => {
      if (url.host === 'neighbour.example') {
        most = Math.max(most, ++inFlight)
        await clock.sleep(neighbour === 'hung' ? 15_000 : 20)
        inFlight--
        return neighbour === 'hung' ? { error: 'response_timeout', detail: '' } : 200
      }
      waits.push(clock.monotonic() - (sentAt.get(headers['webhook-id'] as string) as number))
      await clock.sleep(20)
      return 200
    },
    { concurrency: 20 },
  )
  await hooks.endpoints.create('neighbour', { url: 'https://neighbour.example/' })
  for (let n = 0; n < HEALTHY; n++) await hooks.endpoints.create(`tenant-${n}`, { url: `https://h${n}.example/` })
  if (neighbour !== 'nobody') {
    for (let n = 0; n < BULK; n += 1_000) {
      await hooks.sendMany(
        Array.from({ length: 1_000 }, () => ({ type: 'user.deleted' as const, data: {}, tenant: 'neighbour' })),
      )
    }
  }
  hooks.start()
  await clock.advance(1_000)
  for (let n = 0; n < SECONDS * PER_SECOND; n++) {
    const { id } = await hooks.send('user.deleted', {}, { tenant: `tenant-${n % HEALTHY}` })
    sentAt.set(id, clock.monotonic())
    await clock.advance(1_000 / PER_SECOND)
  }
  await clock.advance(2_000)
  waits.sort((a, b) => a - b)
  await Promise.all([hooks.stop(), clock.advance(20_000)])
  return {
    count: waits.length,
    p95: waits[Math.floor(waits.length * 0.95)] as number,
    worst: waits.at(-1) as number,
    most,
  }
}

/** In virtual time: what is measured is who waits for whom, not how fast the machine is. */
describe('a neighbour with 10,000 deliveries due', { timeout: 60_000 }, () => {
  it.each(['hung', 'bulk'] as const)(
    'that is %s does not keep the healthy ones waiting, nor has more than its cap',
    async (kind) => {
      const alone = await beside('nobody')
      const together = await beside(kind)
      expect(alone.count).toBe(SECONDS * PER_SECOND)
      expect(together.count).toBe(alone.count)
      expect(together.p95).toBeLessThanOrEqual(Math.max(2 * alone.p95, 5))
      expect(together.worst).toBeLessThanOrEqual(50)
      expect(together.most).toBeLessThanOrEqual(4)
    },
  )
})
