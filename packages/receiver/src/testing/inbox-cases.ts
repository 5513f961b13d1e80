import { acceptCases } from './inbox-accept-cases.ts'
import { deadCases } from './inbox-dead-cases.ts'
import { transactionCases } from './inbox-transaction-cases.ts'
import { workCases } from './inbox-work-cases.ts'
import { type InboxCase, KEEP, LEASE, promise } from './inbox-world.ts'

const claims: readonly InboxCase[] = [
  promise('a key is claimed once, however many ask for it at once', async ({ store, expect }) => {
    const asked = Array.from({ length: 100 }, async () => store.begin('k', { leaseMs: LEASE }))
    const states = (await Promise.all(asked)).map(({ state }) => state)
    expect(states.filter((state) => state === 'claimed').length).toBe(1)
    expect(states.filter((state) => state === 'in_progress').length).toBe(99)
  }),

  promise('a claimed key is in progress, for as long as its lease has left', async ({ store, claim, pass, expect }) => {
    const lease = await claim('k')
    expect(lease.key).toBe('k')
    expect(lease.leaseLeftMs).toBeGreaterThan(0)
    expect(lease.leaseLeftMs).toBeLessThanOrEqual(LEASE)
    await pass(LEASE / 2)
    const begun = await store.begin('k', { leaseMs: LEASE })
    expect(begun.state).toBe('in_progress')
    const left = begun.state === 'in_progress' ? begun.retryInMs : 0
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(LEASE / 2)
  }),

  promise('keys are told apart to the letter', async ({ claim, state, expect }) => {
    const keys = ['k', 'K', 'k ', ' k', 'k:', 'é', 'e\u0301', '%', "'", 'k'.repeat(255)]
    for (const key of keys) await claim(key)
    for (const key of keys) expect(await state(key)).toBe('in_progress')
  }),

  promise('a key whose lease ended is claimed anew, under another token', async ({ claim, pass, expect }) => {
    const first = await claim('k')
    await pass(LEASE + 1)
    expect((await claim('k')).token === first.token).toBe(false)
  }),

  promise('of many that ask after the end of a lease, one takes it over', async ({ store, claim, pass, expect }) => {
    await claim('k')
    await pass(LEASE + 1)
    const asked = Array.from({ length: 100 }, async () => store.begin('k', { leaseMs: LEASE }))
    expect((await Promise.all(asked)).filter(({ state }) => state === 'claimed').length).toBe(1)
  }),

  promise('an abandoned key is free at once, under another token', async ({ store, claim, expect }) => {
    const first = await claim('k')
    expect(await store.abandon(first)).toBe('applied')
    expect((await claim('k')).token === first.token).toBe(false)
  }),

  promise('attempts count what was finished, claims what was begun since', async ({ store, claim, pass, expect }) => {
    const counts = ({ attempt, claims }: { attempt: number; claims: number }) => ({ attempt, claims })
    expect(counts(await claim('k'))).toEqual({ attempt: 1, claims: 1 })
    await pass(LEASE + 1)
    const second = await claim('k')
    expect(counts(second)).toEqual({ attempt: 1, claims: 2 })
    await store.abandon(second)
    expect(counts(await claim('k'))).toEqual({ attempt: 2, claims: 1 })
  }),

  promise('a lease is extended from now on', async ({ store, claim, state, pass, expect }) => {
    const lease = await claim('k')
    await pass(LEASE / 2)
    expect(await store.extend(lease, LEASE)).toBe('applied')
    await pass(LEASE / 2 + 1)
    expect(await state('k')).toBe('in_progress')
    await pass(LEASE)
    expect(await state('k')).toBe('claimed')
  }),
]

const completions: readonly InboxCase[] = [
  promise('a completed key is completed for all who ask', async ({ store, done, state, expect }) => {
    await done('k')
    expect(await state('k')).toBe('completed')
    expect(await state('k')).toBe('completed')
    expect(await store.completedWithin('k', KEEP)).toBe(true)
  }),

  promise('completing again under the same token is applied, as after a lost answer', async (world) => {
    const { store, done, state, expect } = world
    const lease = await done('k')
    expect(await store.complete(lease, { keepMs: KEEP })).toBe('applied')
    expect(await state('k')).toBe('completed')
  }),

  promise('retention is apart from the lease, and counts from the completion', async (world) => {
    const { store, claim, state, pass, expect } = world
    const lease = await claim('k')
    await pass(LEASE / 2)
    expect(await store.complete(lease, { keepMs: 3 * LEASE })).toBe('applied')
    await pass(3 * LEASE - 1_000)
    expect(await state('k')).toBe('completed')
    await pass(1_001)
    expect(await state('k')).toBe('claimed')
  }),

  promise('a key is kept for less than its lease where that is asked', async ({ done, state, pass, expect }) => {
    await done('k', 1_000)
    await pass(1_001)
    expect(await state('k')).toBe('claimed')
  }),

  promise('a key that was forgotten begins from the start', async ({ store, claim, done, pass, expect }) => {
    await store.abandon(await claim('k'))
    await done('k', 1_000)
    await pass(1_001)
    const { attempt, claims } = await claim('k')
    expect({ attempt, claims }).toEqual({ attempt: 1, claims: 1 })
  }),

  promise('a late completion is kept, or changes nothing: it is never half', async (world) => {
    const { store, claim, state, pass, expect } = world
    const lease = await claim('k')
    await pass(LEASE + 1)
    const applied = await store.complete(lease, { keepMs: KEEP })
    expect(await state('k')).toBe(applied === 'applied' ? 'completed' : 'claimed')
  }),

  promise('whether a key was completed of late is known, and asking claims nothing', async (world) => {
    const { store, claim, done, state, pass, expect } = world
    expect(await store.completedWithin('k', KEEP)).toBe(false)
    const lease = await claim('k')
    expect(await store.completedWithin('k', KEEP)).toBe(false)
    await store.abandon(lease)
    await done('k')
    await pass(10_000)
    expect(await store.completedWithin('k', 11_000)).toBe(true)
    expect(await store.completedWithin('k', 9_000)).toBe(false)
    expect(await store.completedWithin('unknown', KEEP)).toBe(false)
    expect(await state('unknown')).toBe('claimed')
  }),

  promise('what was forgotten was not completed of late', async ({ store, done, pass, expect }) => {
    await done('k', 1_000)
    await pass(1_001)
    expect(await store.completedWithin('k', KEEP)).toBe(false)
  }),
]

const fences: readonly InboxCase[] = [
  promise(
    'who lost the lease completes, abandons and extends nothing',
    async ({ store, claim, state, pass, expect }) => {
      const late = await claim('k')
      await pass(LEASE + 1)
      const current = await claim('k')
      expect(await store.complete(late, { keepMs: KEEP })).toBe('stale')
      expect(await store.abandon(late)).toBe('stale')
      expect(await store.extend(late, 10 * LEASE)).toBe('stale')
      expect(await state('k')).toBe('in_progress')
      await pass(LEASE + 1)
      expect(await store.complete(current, { keepMs: KEEP })).toBe('applied')
    },
  ),

  promise(
    'who lost the lease changes nothing of what another completed',
    async ({ store, claim, state, pass, expect }) => {
      const late = await claim('k')
      await pass(LEASE + 1)
      expect(await store.complete(await claim('k'), { keepMs: KEEP })).toBe('applied')
      expect(await store.complete(late, { keepMs: 1 })).toBe('stale')
      expect(await store.abandon(late)).toBe('stale')
      expect(await store.extend(late, LEASE)).toBe('stale')
      await pass(LEASE)
      expect(await state('k')).toBe('completed')
    },
  ),

  promise('a completed key is neither abandoned nor extended by its own token', async (world) => {
    const { store, done, state, pass, expect } = world
    const lease = await done('k')
    expect(await store.abandon(lease)).toBe('stale')
    expect(await store.extend(lease, 1)).toBe('stale')
    await pass(LEASE)
    expect(await state('k')).toBe('completed')
  }),

  promise('an abandoned key is not completed, extended or abandoned again by its old token', async (world) => {
    const { store, claim, state, expect } = world
    const lease = await claim('k')
    await store.abandon(lease)
    expect(await store.complete(lease, { keepMs: KEEP })).toBe('stale')
    expect(await store.extend(lease, LEASE)).toBe('stale')
    expect(await store.abandon(lease)).toBe('stale')
    expect(await state('k')).toBe('claimed')
    expect(await store.abandon(lease)).toBe('stale')
    expect(await state('k')).toBe('in_progress')
  }),

  promise(
    'the token of one key opens no other, and a made-up one opens none',
    async ({ store, claim, state, expect }) => {
      const { token } = await claim('a')
      await claim('b')
      for (const lease of [
        { key: 'b', token },
        { key: 'a', token: '' },
        { key: 'a', token: 'x' },
        { key: 'c', token },
      ]) {
        expect(await store.complete(lease, { keepMs: KEEP })).toBe('stale')
        expect(await store.abandon(lease)).toBe('stale')
        expect(await store.extend(lease, LEASE)).toBe('stale')
      }
      expect([await state('a'), await state('b'), await state('c')]).toEqual(['in_progress', 'in_progress', 'claimed'])
    },
  ),
]

const upkeep: readonly InboxCase[] = [
  promise(
    'pruning forgets up to its limit, and says whether there is more',
    async ({ store, done, pass, expect }) => {
      for (let i = 0; i < 10; i++) await done(`k${i}`, 1_000)
      await pass(1_001)
      expect(await store.prune(4)).toEqual({ more: true })
      expect(await store.prune(4)).toEqual({ more: true })
      expect(await store.prune(4)).toEqual({ more: false })
      expect(await store.prune(4)).toEqual({ more: false })
    },
    'pruning',
  ),

  promise(
    'pruning touches no lease and nothing that is still kept',
    async ({ store, claim, done, state, pass, expect }) => {
      await done('old', 1_000)
      await done('kept')
      await pass(1_001)
      const lease = await claim('live')
      await store.prune(100)
      expect([await state('live'), await state('kept'), await state('old')]).toEqual([
        'in_progress',
        'completed',
        'claimed',
      ])
      expect(await store.complete(lease, { keepMs: KEEP })).toBe('applied')
    },
  ),

  promise(
    "time is the database's: how late the process takes it to be does not matter",
    async ({ claim, state, clock, expect }) => {
      await claim('k')
      await clock.advance(10 * LEASE)
      expect(await state('k')).toBe('in_progress')
    },
    'database clock',
  ),
]

const processes: readonly InboxCase[] = [
  promise(
    'a key is claimed once by all processes',
    async ({ store, second, expect }) => {
      const asked = Array.from({ length: 100 }, async (_, i) =>
        (i % 2 ? store : second()).begin('k', { leaseMs: LEASE }),
      )
      expect((await Promise.all(asked)).filter(({ state }) => state === 'claimed').length).toBe(1)
    },
    'second connection',
  ),

  promise(
    'what one process claims and completes, another sees',
    async ({ store, second, claim, state, expect }) => {
      const lease = await claim('k')
      expect(await state('k', second())).toBe('in_progress')
      await store.complete(lease, { keepMs: KEEP })
      expect(await state('k', second())).toBe('completed')
      expect(await second().completedWithin('k', KEEP)).toBe(true)
    },
    'second connection',
  ),

  promise(
    'a process takes over from one that crashed',
    async ({ store, second, claim, pass, expect }) => {
      const crashed = await claim('k')
      await pass(LEASE + 1)
      const taken = await claim('k', LEASE, second())
      expect(await store.complete(crashed, { keepMs: KEEP })).toBe('stale')
      expect(await second().complete(taken, { keepMs: KEEP })).toBe('applied')
    },
    'second connection',
  ),
]

/** By group, the promises of an inbox: of its keyed half first. */
export const groups: Readonly<Record<string, readonly InboxCase[]>> = {
  claims,
  completions,
  fences,
  upkeep,
  processes,
  transactions: transactionCases,
  'accepted requests': acceptCases,
  work: workCases,
  'dead letters': deadCases,
}
