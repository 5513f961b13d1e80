import { describe, expect, it } from 'vitest'
import { virtualClock } from '../../src/testing/virtual-clock.ts'

describe('the virtual clock', () => {
  it('begins where it is told, and stands still', async () => {
    const clock = virtualClock(new Date('2030-05-06T07:08:09.010Z'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(clock.now()).toEqual(new Date('2030-05-06T07:08:09.010Z'))
    expect(clock.monotonic()).toBe(0)
    expect(virtualClock().now()).toEqual(new Date('2026-01-01T00:00:00.000Z'))
  })

  it('moves both of its clocks by what it is advanced', async () => {
    const clock = virtualClock(new Date(1_000))
    await clock.advance(250)
    await clock.advance(0)
    await clock.advance(-5)
    expect([clock.now().getTime(), clock.monotonic()]).toEqual([1_250, 250])
  })

  it('wakes sleepers at their own time, the earliest first, and equal ones in the order of their going to sleep', async () => {
    const clock = virtualClock()
    const woken: [string, number][] = []
    const sleep = async (name: string, ms: number) => {
      await clock.sleep(ms)
      woken.push([name, clock.monotonic()])
    }
    const sleepers = [sleep('c', 300), sleep('a', 100), sleep('b1', 200), sleep('b2', 200), sleep('late', 1_001)]
    await clock.advance(1_000)
    expect(woken).toEqual([
      ['a', 100],
      ['b1', 200],
      ['b2', 200],
      ['c', 300],
    ])
    expect(clock.monotonic()).toBe(1_000)
    await clock.advance(1)
    expect(woken.at(-1)).toEqual(['late', 1_001])
    await Promise.all(sleepers)
  })

  it('wakes a sleeper as often as it goes to sleep on the way', async () => {
    const clock = virtualClock()
    const ticks: number[] = []
    const ticking = (async () => {
      while (ticks.length < 5) {
        await clock.sleep(10)
        ticks.push(clock.monotonic())
      }
    })()
    await clock.advance(1_000)
    await ticking
    expect(ticks).toEqual([10, 20, 30, 40, 50])
  })

  it('lets what a sleeper does settle before the next one wakes', async () => {
    const clock = virtualClock()
    const steps: string[] = []
    const first = (async () => {
      await clock.sleep(10)
      for (let i = 0; i < 50; i++) await Promise.resolve()
      await new Promise((resolve) => setImmediate(resolve))
      steps.push('first')
    })()
    const second = clock.sleep(10).then(() => steps.push('second'))
    await clock.advance(10)
    await Promise.all([first, second])
    expect(steps).toEqual(['first', 'second'])
  })

  it('lets what is ready go to sleep before it moves', async () => {
    const clock = virtualClock()
    let woken = -1
    void (async () => {
      await new Promise((resolve) => setImmediate(resolve))
      await clock.sleep(10)
      woken = clock.monotonic()
    })()
    await clock.advance(10)
    expect(woken).toBe(10)
  })

  it('does not sleep for nothing, and wakes early where it is aborted', async () => {
    const clock = virtualClock()
    await clock.sleep(0)
    await clock.sleep(-1)
    await clock.sleep(10, AbortSignal.abort())
    const controller = new AbortController()
    const sleeping = clock.sleep(10, controller.signal)
    controller.abort()
    await sleeping
    expect(clock.monotonic()).toBe(0)
    await clock.advance(100)
    expect(clock.monotonic()).toBe(100)
  })

  it('does several advances one after the other', async () => {
    const clock = virtualClock()
    const times: number[] = []
    const sleeping = clock.sleep(15).then(() => times.push(clock.monotonic()))
    await Promise.all([clock.advance(10), clock.advance(10)])
    await sleeping
    expect([times, clock.monotonic()]).toEqual([[15], 20])
  })
})
