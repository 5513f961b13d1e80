import { type IdempotencyStore, type Inbox, memoryIdempotency, memoryInbox } from '@hooks/receiver'
import { inboxCases, inboxSuite, type TestRunner } from '@hooks/receiver/testing'
import { describe, expect, it } from 'vitest'

type Facts = IdempotencyStore['facts']

/** Whose requests most cases are about. */
const OURS = { receiver: 'billing:acme' }

/** Runs the suite on its own, and gives the titles of the cases that failed. */
async function failures<S extends IdempotencyStore = IdempotencyStore>(
  spoil: (store: S) => Partial<S>,
  facts: Facts = memoryIdempotency().facts,
  makeStore: typeof memoryIdempotency | typeof memoryInbox = memoryIdempotency,
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
      const store = makeStore({ clock })
      return { store: { ...store, ...spoil(store as S) }, close: () => store.close() }
    },
  })
  const failed: string[] = []
  for (const { title, body } of tests) await body().catch(() => failed.push(title))
  return { titles: tests.map(({ title }) => title), failed }
}

const inboxFailures = (spoil: (store: Inbox) => Partial<Inbox>) =>
  failures<Inbox>(spoil, memoryInbox().facts, memoryInbox)

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

describe('the suite for inboxes', () => {
  it('passes a good inbox, and says of each case that it cannot run why', async () => {
    const { titles, failed } = await inboxFailures(() => ({}))
    expect(failed).toEqual([])
    expect(titles.map((title) => title.replace(/^unsupported: (.*) \(.*\)$/, '$1'))).toEqual(inboxCases)
    expect(titles.filter((title) => /^unsupported.*facts.inbox/.test(title))).toEqual([])
  })

  it('does not take an idempotency store for an inbox, nor an inbox for less', async () => {
    const claimed = await failures(() => ({}), { clock: 'injected', processes: 'one', tx: 'none', inbox: true })
    expect(claimed.failed.length).toBeGreaterThan(20)
    const modest = await failures(() => ({}), { clock: 'injected', processes: 'one', tx: 'none' }, memoryInbox)
    expect(modest.failed.length).toBeGreaterThan(20)
  })

  it.each<[string, (inbox: Inbox) => Partial<Inbox>]>([
    [
      'accepts again what it has accepted',
      (inbox) => ({
        accept: async (entry, options) =>
          (await inbox.accept(entry, options)) === 'in_progress' ? 'in_progress' : 'accepted',
      }),
    ],
    [
      'calls what is in progress a duplicate, so that a crash loses it',
      (inbox) => ({
        accept: async (entry, options) =>
          (await inbox.accept(entry, options)) === 'accepted' ? 'accepted' : 'duplicate',
      }),
    ],
    [
      'sorts headers, or merges them',
      (inbox) => ({
        accept: (entry, options) =>
          inbox.accept(
            {
              ...entry,
              request: { ...entry.request, headers: Object.entries(Object.fromEntries(entry.request.headers)) },
            },
            options,
          ),
      }),
    ],
    [
      'keeps bodies as text',
      (inbox) => ({
        accept: (entry, options) => {
          const body = new TextEncoder().encode(new TextDecoder().decode(entry.request.body))
          return inbox.accept({ ...entry, request: { ...entry.request, body } }, options)
        },
      }),
    ],
    ['keeps what is done for ever', (inbox) => ({ accept: (entry) => inbox.accept(entry, { keepMs: 1e12 }) })],
    ['forgets what is done at once', (inbox) => ({ accept: (entry) => inbox.accept(entry, { keepMs: 0 }) })],
    ['claims for ever', (inbox) => ({ claim: (options) => inbox.claim({ ...options, leaseMs: 1e12 }) })],
    ['claims for a second', (inbox) => ({ claim: (options) => inbox.claim({ ...options, leaseMs: 1_000 }) })],
    ['knows no limit', (inbox) => ({ claim: (options) => inbox.claim({ ...options, limit: 1_000 }) })],
    [
      'gives what is newest first',
      (inbox) => ({ claim: async (options) => [...(await inbox.claim(options))].reverse() }),
    ],
    [
      'forgets how often it was claimed',
      (inbox) => ({
        claim: async (options) => (await inbox.claim(options)).map((lease) => ({ ...lease, claims: 1 })),
      }),
    ],
    [
      'counts a crash as an attempt',
      (inbox) => ({
        claim: async (options) =>
          (await inbox.claim(options)).map((lease) => ({ ...lease, attempt: lease.attempt + lease.claims - 1 })),
      }),
    ],
    [
      'settles whatever the token',
      (inbox) => {
        const tokens = new Map<string, string>()
        return {
          async claim(options) {
            const leases = await inbox.claim(options)
            for (const { key, token } of leases) tokens.set(key, token)
            return leases
          },
          settle: (all) => inbox.settle(all.map((one) => ({ ...one, token: tokens.get(one.key) ?? one.token }))),
        }
      },
    ],
    [
      'refuses a late success',
      (inbox) => {
        const tokens = new Map<string, string>()
        return {
          async claim(options) {
            const leases = await inbox.claim(options)
            for (const { key, token } of leases) tokens.set(key, token)
            return leases
          },
          async settle(all) {
            const applied = []
            for (const one of all) {
              const [answer = 'stale'] = tokens.get(one.key) === one.token ? await inbox.settle([one]) : []
              applied.push(answer)
            }
            return applied
          },
        }
      },
    ],
    [
      'answers settlements in another order',
      (inbox) => ({ settle: async (all) => [...(await inbox.settle(all))].reverse() }),
    ],
    [
      'tries again at once',
      (inbox) => ({
        settle: (all) => inbox.settle(all.map((one) => (one.result === 'retry' ? { ...one, retryInMs: 0 } : one))),
      }),
    ],
    [
      'drops what is given up',
      (inbox) => ({
        settle: (all) =>
          inbox.settle(all.map((one) => (one.result === 'dead' ? { ...one, result: 'completed' } : one))),
      }),
    ],
    ['never gives back', () => ({ release: async () => {} })],
    [
      'gives back for whoever asks',
      (inbox) => {
        const tokens = new Map<string, string>()
        return {
          async claim(options) {
            const leases = await inbox.claim(options)
            for (const { key, token } of leases) tokens.set(key, token)
            return leases
          },
          release: (leases) => inbox.release(leases.map(({ key }) => ({ key, token: tokens.get(key) ?? '' }))),
        }
      },
    ],
    ['never says that anything is due', () => ({ nextDueInMs: async () => null })],
    ['always says that something is due', () => ({ nextDueInMs: async () => 0 })],
    ['lists all of the dead at once', (inbox) => ({ dead: (page) => inbox.dead({ ...page, limit: 1_000 }) })],
    ['lists the dead of one receiver for all', (inbox) => ({ dead: (page) => inbox.dead({ ...page, ...OURS }) })],
    ["claims one receiver's requests for all", (inbox) => ({ claim: (wanted) => inbox.claim({ ...wanted, ...OURS }) })],
    [
      "says of one receiver's requests to all when they are due",
      (inbox) => ({ nextDueInMs: () => inbox.nextDueInMs(OURS) }),
    ],
    [
      'lists the dead by their keys',
      (inbox) => ({
        async dead(page) {
          const { data, next } = await inbox.dead(page)
          return { data: [...data].sort((a, b) => (a.key < b.key ? -1 : 1)), ...(next !== undefined && { next }) }
        },
      }),
    ],
    ['never retries the dead', () => ({ retry: async (keys) => keys.length })],
    ['counts keys and not the dead', (inbox) => ({ retry: async (keys) => (await inbox.retry(keys)) && keys.length })],
    [
      'completes by hand what was accepted',
      (inbox) => ({
        complete: async (lease, options) =>
          (await inbox.complete(lease, options)) === 'applied'
            ? 'applied'
            : ((await inbox.settle([{ ...lease, result: 'completed' }]))[0] ?? 'stale'),
      }),
    ],
    [
      'lets the foreground have what was accepted',
      (inbox) => ({
        async begin(key, options) {
          const begun = await inbox.begin(key, options)
          return begun.state === 'in_progress' && begun.retryInMs === 0
            ? { state: 'claimed', lease: { key, token: 'x', attempt: 1, claims: 1, leaseLeftMs: 1 } }
            : begun
        },
      }),
    ],
    [
      'prunes what waits',
      (inbox) => ({
        async prune(limit) {
          for (const { key, token } of await inbox.claim({ ...OURS, worker: '', limit: 1, leaseMs: 1 }))
            await inbox.settle([{ key, token, result: 'completed' }])
          return inbox.prune(limit)
        },
      }),
    ],
  ])('sees an inbox that %s', async (_, spoil) => {
    expect((await inboxFailures(spoil)).failed).not.toEqual([])
  })
})
