import { describe, expect, it } from 'vitest'
import { RECEIVER_BUGS, simulateBothSides } from '../src/simulation/both-sides.ts'
import { rebind } from '../src/simulation/rebinding.ts'

/** A short run for every change; `pnpm sim --bugs` looks for all of them, those of the sender too. */
const SEEDS = 30

describe('a sender and a receiver among failing handlers, dying processes and lost answers', () => {
  it('do what counts as delivered, and nothing again that is on record as done', async () => {
    for (let seed = 1; seed <= SEEDS; seed++)
      expect({ seed, violations: await simulateBothSides(seed) }).toEqual({ seed, violations: [] })
  })

  it.each(RECEIVER_BUGS)('show the bug "%s"', async (bug) => {
    for (let seed = 1; seed <= 200; seed++) if ((await simulateBothSides(seed, bug)).length > 0) return
    expect.unreachable(`${bug} stayed hidden`)
  })
})

describe('a name whose answer turns', () => {
  it('shows a guard that looks up once to judge and once to connect, and gets past none that does not', async () => {
    expect(await rebind(false)).toEqual([])
    expect(await rebind(true)).toEqual([expect.stringContaining('reached a host that is blocked')])
  })
})
