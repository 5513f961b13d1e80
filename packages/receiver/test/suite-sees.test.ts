import { type IdempotencyStore, memoryIdempotency } from '@hooks/receiver'
import { inboxCases, inboxSuite, type TestRunner } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'

/** Runs the suite on its own, and gives the titles of the cases that failed. */
async function failures(
  spoil: (store: IdempotencyStore) => Partial<IdempotencyStore>,
  facts = memoryIdempotency().facts,
) {
  const tests: { title: string; body: () => Promise<void> }[] = []
  const runner: TestRunner = {
    describe: (_, body) => body(),
    it: (title, body) => tests.push({ title, body }),
    expect: (actual) => expect(actual),
  }
  inboxSuite(runner, {
    name: 'planted',
    facts,
    make: ({ clock }) => {
      const store = memoryIdempotency({ clock })
      return { store: { ...store, ...spoil(store) }, close: () => store.close() }
    },
  })
  const failed: string[] = []
  for (const { title, body } of tests) await body().catch(() => failed.push(title))
  return { titles: tests.map(({ title }) => title), failed }
}

describe('the suite for idempotency stores', () => {
  it('passes a good store, and says of each case that it cannot run why', async () => {
    const { titles, failed } = await failures(() => ({}))
    expect(failed).toEqual([])
    expect(titles.map((title) => title.replace(/^unsupported: (.*) \(.*\)$/, '$1'))).toEqual(inboxCases)
    expect(titles.filter((title) => title.startsWith('unsupported'))).toContain(
      "unsupported: a claim in a transaction that rolls back was never made (facts.tx is 'none')",
    )
  })

  it('does not take a store at its word', async () => {
    const { failed } = await failures(() => ({ facts: { clock: 'injected', processes: 'many', tx: 'none' } }))
    expect(failed.length).toBeGreaterThan(20)
  })

  it.each<[string, (store: IdempotencyStore) => Partial<IdempotencyStore>]>([
    [
      'claims twice when asked twice at once',
      (store) => ({
        async begin(key, options) {
          const begun = await store.begin(key, options)
          return begun.state === 'in_progress'
            ? { state: 'claimed', lease: { key, token: 'x', attempt: 1, claims: 1, leaseLeftMs: 1 } }
            : begun
        },
      }),
    ],
    [
      'keeps one time for lease and retention',
      (store) => ({
        begin: (key) => store.begin(key, { leaseMs: 3_600_000 }),
      }),
    ],
    [
      'completes whatever the token',
      (store) => {
        const tokens = new Map<string, string>()
        return {
          async begin(key, options) {
            const begun = await store.begin(key, options)
            if (begun.state === 'claimed') tokens.set(key, begun.lease.token)
            return begun
          },
          complete: ({ key }, options) => store.complete({ key, token: tokens.get(key) ?? '' }, options),
        }
      },
    ],
    ['never gives up a claim', () => ({ abandon: () => 'applied' })],
    ['never extends', () => ({ extend: () => 'applied' })],
    ['forgets at once', (store) => ({ complete: (lease) => store.complete(lease, { keepMs: 0 }) })],
    [
      'counts retention from the claim',
      (store) => ({ complete: (lease, { keepMs }) => store.complete(lease, { keepMs: keepMs - 30_000 }) }),
    ],
    [
      'claims when it is asked about the past',
      (store) => ({
        async completedWithin(key, withinMs) {
          await store.begin(key, { leaseMs: 1_000 })
          return store.completedWithin(key, withinMs)
        },
      }),
    ],
    ['calls everything completed of late', () => ({ completedWithin: () => true })],
    ['prunes without a limit', (store) => ({ prune: () => store.prune(1_000) })],
    [
      'prunes leases too',
      (store) => ({
        prune: async (limit) => {
          await store.extend({ key: 'live', token: '1' }, 0)
          for (let token = 1; token < 9; token++) await store.abandon({ key: 'live', token: String(token) })
          return store.prune(limit)
        },
      }),
    ],
    ['takes keys in any case', (store) => ({ begin: (key, options) => store.begin(key.toLowerCase(), options) })],
    ['trims keys', (store) => ({ begin: (key, options) => store.begin(key.trim(), options) })],
    [
      'gives the same token to every claim',
      (store) => ({
        async begin(key, options) {
          const begun = await store.begin(key, options)
          return begun.state === 'claimed' ? { ...begun, lease: { ...begun.lease, token: 'same' } } : begun
        },
      }),
    ],
    [
      'answers a second completion with stale',
      (store) => {
        const done = new Set<string>()
        return {
          async complete(lease, options) {
            if (done.has(lease.token)) return 'stale'
            done.add(lease.token)
            return store.complete(lease, options)
          },
        }
      },
    ],
    [
      'counts a crash as an attempt',
      (store) => ({
        async begin(key, options) {
          const begun = await store.begin(key, options)
          return begun.state === 'claimed'
            ? { ...begun, lease: { ...begun.lease, attempt: begun.lease.attempt + begun.lease.claims - 1 } }
            : begun
        },
      }),
    ],
  ])('sees a store that %s', async (_, spoil) => {
    expect((await failures(spoil)).failed).not.toEqual([])
  })
})
