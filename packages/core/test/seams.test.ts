import {
  backoff,
  consoleLogger,
  createBell,
  generateSecret,
  SECRET_BYTES,
  silentLogger,
  systemClock,
  systemRandom,
} from '@hooks/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

describe("the machine's clock", () => {
  afterEach(() => vi.useRealTimers())

  it('tells the time, and another that never goes back', async () => {
    expect(Math.abs(systemClock.now().getTime() - Date.now())).toBeLessThan(50)
    const before = systemClock.monotonic()
    await systemClock.sleep(5)
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(5)
  })

  it('ends a sleep at once when it is aborted, before or meanwhile, and never rejects', async () => {
    await systemClock.sleep(60_000, AbortSignal.abort())
    const controller = new AbortController()
    const asleep = systemClock.sleep(60_000, controller.signal)
    controller.abort()
    expect(await asleep).toBeUndefined()
  })

  it('leaves no listener behind on the signal', async () => {
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    await systemClock.sleep(1, signal)
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length)
  })

  it('sleeps for 60 days, though a timer of Node.js cannot', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    let over = false
    const asleep = systemClock.sleep(60 * 86_400_000).then(() => {
      over = true
    })
    await vi.advanceTimersByTimeAsync(59 * 86_400_000)
    expect(over).toBe(false)
    await vi.advanceTimersByTimeAsync(86_400_000)
    await asleep
  })
})

describe("the machine's chance", () => {
  it('gives bytes and numbers that differ', () => {
    expect(systemRandom.bytes(16)).toHaveLength(16)
    expect(Buffer.from(systemRandom.bytes(16))).not.toEqual(Buffer.from(systemRandom.bytes(16)))
    for (let i = 0; i < 100; i++) {
      const float = systemRandom.float()
      expect(float >= 0 && float < 1).toBe(true)
    }
  })

  it('makes secrets of 32 bytes', () => {
    const secret = generateSecret(systemRandom)
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(secret).not.toBe(generateSecret(systemRandom))
    expect(SECRET_BYTES).toBe(32)
  })
})

describe('loggers', () => {
  it('say nothing, or warnings and errors to the console', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    for (const logger of [silentLogger, consoleLogger]) {
      logger.debug({ a: 1 }, 'debug')
      logger.info({ a: 2 }, 'info')
      logger.warn({ a: 3 }, 'warn')
      logger.error({ a: 4 })
    }
    expect(warn.mock.calls).toEqual([['warn', { a: 3 }]])
    expect(error.mock.calls).toEqual([['', { a: 4 }]])
  })
})

describe('the delay after failures', () => {
  const delay = (failures: number, float: number) =>
    backoff(failures, { bytes: () => new Uint8Array(), float: () => float }, { firstMs: 500, mostMs: 30_000 })

  it('doubles between its bounds, and is spread over half of itself', () => {
    expect([1, 2, 3, 6, 7, 1000].map((failures) => delay(failures, 0))).toEqual([250, 500, 1000, 8000, 15_000, 15_000])
    expect([1, 2, 7, 1000].map((failures) => delay(failures, 0.999))).toEqual([499.75, 999.5, 29_985, 29_985])
  })
})

describe('a bell', () => {
  it('that rang before the wait ends it at once, once', async () => {
    const clock = new VirtualClock()
    const bell = createBell(clock)
    bell.ring()
    await bell.wait(1000)
    expect(clock.monotonic()).toBe(0)
  })

  it('that is cleared has forgotten its rings', async () => {
    const clock = new VirtualClock()
    const bell = createBell(clock)
    bell.ring()
    bell.clear()
    const waiting = bell.wait(1000)
    await clock.run(waiting)
    expect(clock.monotonic()).toBe(1000)
  })

  it('ends a wait when it rings', async () => {
    const clock = new VirtualClock()
    const bell = createBell(clock)
    const waiting = bell.wait(1000)
    bell.ring()
    await waiting
    expect(clock.monotonic()).toBe(0)
  })

  it('wakes everyone who waits, and leaves no timer behind when it is closed', async () => {
    const clock = new VirtualClock()
    const bell = createBell(clock)
    const waiting = Promise.all([bell.wait(1000), bell.wait(500), bell.wait(60_000)])
    bell.ring()
    await waiting
    bell.clear()
    const again = bell.wait(700)
    bell.close()
    await again
    expect(clock.asleep).toBe(0)
    expect(clock.monotonic()).toBe(0)
  })
})
