import type { Ms } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createKicks } from '../src/kicks.ts'
import { virtualClock } from '../src/testing/index.ts'

function stage() {
  const clock = virtualClock()
  const looks: Ms[] = []
  const signals = new Set<AbortSignal | undefined>()
  let asleep = 0
  let most = 0
  const kicks = createKicks(
    {
      ...clock,
      async sleep(ms, signal) {
        expect(signals.has(signal)).toBe(false)
        signals.add(signal)
        most = Math.max(most, ++asleep)
        await clock.sleep(ms, signal)
        asleep--
      },
    },
    () => void looks.push(clock.monotonic()),
  )
  return { clock, looks, kicks, asleep: () => asleep, most: () => most }
}

describe('after a send in a transaction', () => {
  it('looks soon, and ever less often', async () => {
    const { clock, looks, kicks } = stage()
    kicks.soon()
    await clock.advance(10_000)
    expect(looks).toEqual([5, 25, 105, 425])
  })

  it('of a thousand at once, looks a handful of times, and sleeps once at a time', async () => {
    const { clock, looks, kicks, most } = stage()
    for (let n = 0; n < 1_000; n++) kicks.soon()
    await clock.advance(10_000)
    expect([looks.length, most()]).toEqual([5, 1])
    expect(looks.slice(0, 2)).toEqual([5, 10])
  })

  it('looks again as soon after the next', async () => {
    const { clock, looks, kicks } = stage()
    kicks.soon()
    await clock.advance(200)
    kicks.soon()
    await clock.advance(10_000)
    expect(looks).toEqual([5, 25, 105, 205, 225, 305, 625])
  })

  it('goes on looking while there is one after the other', async () => {
    const { clock, looks, kicks } = stage()
    for (let ms = 0; ms < 1_000; ms++) {
      kicks.soon()
      await clock.advance(1)
    }
    expect(looks.length).toBeGreaterThan(150)
    expect(Math.max(...looks.slice(1).map((at, i) => at - (looks[i] ?? 0)))).toBeLessThanOrEqual(6)
  })

  it('looks no more once it is stopped, and leaves no timer behind', async () => {
    const { clock, looks, kicks, asleep } = stage()
    kicks.soon()
    await clock.advance(10)
    kicks.stop()
    kicks.soon()
    await clock.advance(10_000)
    expect([looks, asleep()]).toEqual([[5], 0])
  })
})
