import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/testing/seeded-random.ts'

describe('the seeded random source', () => {
  it('is the same for the same seed, for good', () => {
    const random = seededRandom(1)
    expect([...random.bytes(6)]).toEqual([25, 203, 76, 144, 92, 219])
    expect(random.float()).toBe(0.8959073941886353)
  })

  it('differs from seed to seed', () => {
    const firsts = Array.from({ length: 1_000 }, (_, seed) => seededRandom(seed).float())
    expect(new Set(firsts).size).toBe(1_000)
  })

  it('spreads evenly between 0 and 1', () => {
    const random = seededRandom(7)
    const buckets = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) {
      const bucket = Math.floor(random.float() * 10)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  it('gives as many bytes as it is asked for, all of them used', () => {
    const random = seededRandom(3)
    for (const n of [0, 1, 3, 4, 5, 16]) expect(random.bytes(n).length).toBe(n)
    expect(new Set(random.bytes(10_000)).size).toBe(256)
  })
})
