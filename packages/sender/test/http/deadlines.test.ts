import { setTimeout as after } from 'node:timers/promises'
import { systemClock } from '@hooks/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Deadlines, type Expiring } from '../../src/http/deadlines.ts'

function world() {
  const deadlines = new Deadlines()
  onTestFinished(() => deadlines.close())
  const expired: string[] = []
  const item = (name: string): Expiring => ({ slot: -1, endsAt: 0, expire: () => expired.push(name) })
  return { deadlines, expired, item }
}

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('deadlines', () => {
  it('are met in their order, whatever the order in which they were set, and none before its time', async () => {
    const { deadlines, expired, item } = world()
    const times = new Map<string, number>()
    for (const ms of [60, 20, 40, 20.5]) {
      const name = String(ms)
      const due = systemClock.monotonic() + ms
      deadlines.set({ ...item(name), expire: () => times.set(name, systemClock.monotonic() - due) }, ms)
      expired.push(name)
    }
    await expect.poll(() => [...times.keys()]).toEqual(['20', '20.5', '40', '60'])
    expect(Math.min(...times.values())).toBeGreaterThanOrEqual(0)
  })

  it('are one timer for all, which keeps the process alive only as long as one is pending', async () => {
    const { deadlines, item } = world()
    const before = timers()
    const items = Array.from({ length: 100 }, (_, i) => item(String(i)))
    for (const [i, one] of items.entries()) deadlines.set(one, 60_000 - i)
    expect(timers()).toBe(before + 1)
    for (const one of items) deadlines.clear(one)
    expect(timers()).toBe(before)
    deadlines.set(item('later'), 120_000)
    expect(timers()).toBe(before + 1)
  })

  it('can be moved, sooner and later, and what is cleared never expires', async () => {
    const { deadlines, expired, item } = world()
    const [sooner, later, cleared, last] = [item('sooner'), item('later'), item('cleared'), item('last')]
    deadlines.set(sooner, 60_000)
    deadlines.set(later, 10)
    deadlines.set(cleared, 20)
    deadlines.set(sooner, 30)
    deadlines.set(later, 50)
    deadlines.clear(cleared)
    deadlines.set(last, 70)
    await expect.poll(() => expired).toEqual(['sooner', 'later', 'last'])
  })

  it('may be set by what expires', async () => {
    const { deadlines, expired, item } = world()
    deadlines.set({ ...item('first'), expire: () => deadlines.set(item('second'), 5) }, 5)
    await expect.poll(() => expired).toEqual(['second'])
  })

  it('that are never there wait for ever', async () => {
    const { deadlines, expired, item } = world()
    deadlines.set(item('never'), Number.POSITIVE_INFINITY)
    // A timer of more than 2^31 ms would fire at once.
    deadlines.set(item('in a month'), 31 * 86_400_000)
    deadlines.set(item('soon'), 10)
    await expect.poll(() => expired).toEqual(['soon'])
    await after(20)
    expect(expired).toEqual(['soon'])
  })
})
