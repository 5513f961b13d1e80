import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../src/index.ts'
import { FAULTS, PLANTED_BUGS, RING_FAULTS, type SimulationOptions, simulate } from '../src/testing/index.ts'

/** A short run for every change; `pnpm sim` plays 5,000 seeds on each storage. */
const SEEDS = 60

const database: SimulationOptions['database'] = async (seams) => {
  const storage = memoryStorage(seams)
  return { connect: () => storage, close: () => storage.close() }
}

describe('a simulated world of faults, crashes and stalls', () => {
  it('loses nothing, repeats nothing without a reason, and comes to rest', { timeout: 60_000 }, async () => {
    const hit = new Set<string>()
    const rung = new Set<string>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations, faults, rings } = await simulate({ seed, database })
      expect({ seed, violations }).toEqual({ seed, violations: [] })
      for (const fault of FAULTS) if ((faults.settle?.[fault] ?? 0) > 0) hit.add(fault)
      for (const fault of RING_FAULTS) if (rings[fault] > 0) rung.add(fault)
    }
    expect([...hit].sort()).toEqual([...FAULTS].sort())
    expect([...rung].sort()).toEqual([...RING_FAULTS].sort())
  })

  it('is the same world for the same seed, to the last event', { timeout: 20_000 }, async () => {
    const [first, again, other] = [
      await simulate({ seed: 7, database }),
      await simulate({ seed: 7, database }),
      await simulate({ seed: 8, database }),
    ]
    expect(again).toEqual(first)
    expect(other.hash).not.toBe(first.hash)
  })

  for (const bug of PLANTED_BUGS) {
    it(`sees the bug "${bug}"`, { timeout: 120_000 }, async () => {
      for (let seed = 1; seed <= 1_000; seed++) {
        const { violations } = await simulate({ seed, database, bug })
        if (violations.length > 0) return
      }
      expect.unreachable(`${bug} stayed hidden`)
    })
  }
})
