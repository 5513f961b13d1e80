import { memoryIdempotency } from '@hooks/receiver'
import { inboxSuite, virtualClock } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'

inboxSuite(
  { describe, it, expect },
  {
    name: 'memory',
    facts: { clock: 'injected', processes: 'one', tx: 'none' },
    make: ({ clock }) => {
      const store = memoryIdempotency({ clock })
      return { store, close: () => store.close() }
    },
  },
)

describe('the memory of one process', () => {
  const clock = virtualClock()
  const states = async (store: ReturnType<typeof memoryIdempotency>, keys: readonly string[]) =>
    Promise.all(keys.map(async (key) => (await store.begin(key, { leaseMs: 1_000 })).state))
  const done = async (store: ReturnType<typeof memoryIdempotency>, key: string, keepMs = 1e6) => {
    const begun = await store.begin(key, { leaseMs: 1_000 })
    if (begun.state === 'claimed') await store.complete(begun.lease, { keepMs })
  }

  it('forgets what is over before it forgets what is kept', async () => {
    const store = memoryIdempotency({ clock, max: 3 })
    await done(store, 'kept')
    await done(store, 'short', 10)
    await done(store, 'also kept')
    await clock.advance(11)
    expect(await states(store, ['new'])).toEqual(['claimed'])
    expect(await states(store, ['kept', 'also kept'])).toEqual(['completed', 'completed'])
  })

  it('forgets first what was done longest ago, whatever was begun first', async () => {
    const store = memoryIdempotency({ clock, max: 3 })
    const slow = await store.begin('begun first', { leaseMs: 1_000 })
    await done(store, 'done first')
    if (slow.state === 'claimed') await store.complete(slow.lease, { keepMs: 1e6 })
    await done(store, 'done last')
    expect(await states(store, ['new'])).toEqual(['claimed'])
    expect(await states(store, ['begun first', 'done last'])).toEqual(['completed', 'completed'])
  })

  it('never forgets a live lease: where all are live, a new message is to come again', async () => {
    const store = memoryIdempotency({ clock, max: 2 })
    expect(await states(store, ['a', 'b', 'c'])).toEqual(['claimed', 'claimed', 'in_progress'])
    await clock.advance(1_001)
    expect(await states(store, ['c'])).toEqual(['claimed'])
  })

  it('holds no more than it is told to, and finds room fast', async () => {
    const store = memoryIdempotency({ clock, max: 10_000 })
    const begun = process.cpuUsage()
    for (let i = 0; i < 100_000; i++) await done(store, `k${i}`)
    expect(process.cpuUsage(begun).user / 1e6).toBeLessThan(10)
    await clock.advance(2e6)
    let pruned = 0
    while ((await store.prune(1)).more) pruned++
    expect(pruned).toBeLessThan(10_000)
    expect(pruned).toBeGreaterThan(9_000)
  })
})
