import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolvePolicy } from '../src/policy.ts'
import { nextDelay, readRetryAfter } from '../src/schedule.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'

const random = seededRandom(1)
const HOUR = 3_600_000

describe('the retry schedule', () => {
  const policy = resolvePolicy({})

  it('is the one of Standard Webhooks: ten attempts over three days', () => {
    expect(policy.retryMs).toEqual([
      0,
      5_000,
      300_000,
      1_800_000,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      14 * HOUR,
      20 * HOUR,
      24 * HOUR,
    ])
  })
  it('adds at most a fifth, and never comes early', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), (step) => {
        const delay = nextDelay(policy, step, 0, null, random) as number
        const scheduled = policy.retryMs[step] as number
        expect(delay).toBeGreaterThanOrEqual(scheduled)
        expect(delay).toBeLessThanOrEqual(scheduled * 1.2)
      }),
    )
  })
  it('is exact without jitter, as some products promise', () => {
    const exact = resolvePolicy({ retry: ['0s', '1m', '5m', '30m'], jitter: 0 })
    expect([1, 2, 3].map((step) => nextDelay(exact, step, 0, null, random))).toEqual([60_000, 300_000, 1_800_000])
  })
  it('ends after its last entry', () => {
    expect(nextDelay(policy, 10, 0, null, random)).toBeNull()
  })
  it('ends when a delivery would outlive its age', () => {
    expect(nextDelay(policy, 9, 100 * HOUR, null, random)).toBeNull()
    expect(nextDelay(policy, 9, 90 * HOUR, null, random)).not.toBeNull()
  })
  it('spreads what failed at one instant: from the second retry on no second has more than 5 % of it', () => {
    const random = seededRandom(5)
    for (const step of [2, 3, 4]) {
      const seconds = new Map<number, number>()
      for (let n = 0; n < 10_000; n++) {
        const second = Math.floor((nextDelay(policy, step, 0, null, random) as number) / 1_000)
        seconds.set(second, (seconds.get(second) ?? 0) + 1)
      }
      expect(Math.max(...seconds.values())).toBeLessThanOrEqual(500)
    }
  })

  it('waits for the later of schedule and Retry-After, 24 hours at most', () => {
    const exact = resolvePolicy({ jitter: 0 })
    expect(nextDelay(exact, 1, 0, 60_000, random)).toBe(60_000)
    expect(nextDelay(exact, 2, 0, 60_000, random)).toBe(300_000)
    expect(nextDelay(exact, 1, 0, 90 * HOUR, random)).toBe(24 * HOUR)
  })
})

describe('Retry-After', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  it('is seconds or an HTTP date', () => {
    expect(readRetryAfter('120', now)).toBe(120_000)
    // A day at most: neither a delivery nor a whole endpoint waits for longer because a receiver says so.
    expect(readRetryAfter('999999999', now)).toBe(24 * HOUR)
    expect(readRetryAfter('Fri, 01 Jan 2100 00:00:00 GMT', now)).toBe(24 * HOUR)
    expect(readRetryAfter('Thu, 01 Jan 2026 00:02:00 GMT', now)).toBe(120_000)
  })
  for (const junk of [
    '',
    '-5',
    '0',
    '1e400',
    '0x10',
    '1.5',
    ' 5',
    'NaN',
    '99999999999',
    'Wed, 31 Dec 2025 23:59:00 GMT',
    '2026-01-01T00:02:00Z',
  ]) {
    it(`is ignored where it is "${junk}"`, () => {
      expect(readRetryAfter(junk, now)).toBeNull()
    })
  }
})

describe('a policy', () => {
  for (const [what, policy] of [
    ['an empty schedule', { retry: [] }],
    ['a negative delay', { retry: [-1] }],
    ['a delay before the first attempt, which is made at once', { retry: ['10m', '1h'] }],
    ['a jitter above 1', { jitter: 1.5 }],
    ['a deadline above a minute', { deadline: '2m' }],
    ['a duration without a unit', { deadline: '15' }],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => resolvePolicy(policy as never)).toThrow(expect.objectContaining({ code: 'option_invalid' }))
    })
  }
})
