import type { IdempotencyStore } from '@hooks/core'
import { groups } from './inbox-cases.ts'
import { type Expectation, excuse, type InboxCase, type InboxSubject, openWorld } from './inbox-world.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

/** A test runner: `describe`, `it` and `expect` of Vitest, Jest or Bun. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, body: () => Promise<void>, timeoutMs?: number) => unknown
  readonly expect: (actual: unknown) => Expectation
}

/** What is put to the test. */
export interface InboxSuiteOptions<Tx> {
  /** Of the adapter, for the report. */
  readonly name: string
  /** What the store says of itself. It decides which cases it is excused from, and the suite checks that it is true. */
  readonly facts: IdempotencyStore['facts']
  /** A fresh, migrated, empty store. Called once for every case. */
  readonly make: (seams: { readonly clock: VirtualClock }) => InboxSubject<Tx> | Promise<InboxSubject<Tx>>
}

const TIMEOUT_MS = 60_000

/** The titles of all cases: each is one promise of the `IdempotencyStore` and `Inbox` ports. */
export const inboxCases: readonly string[] = Object.values(groups).flatMap((cases) => cases.map(({ title }) => title))

/**
 * The contract of an `IdempotencyStore`, and of an `Inbox` where `facts.inbox` is set, as tests. A case that a store
 * cannot run, because of what its `facts` say, is reported as `unsupported: <case> (<fact>)`, so that no promise is
 * skipped without a word.
 *
 * @example
 * import { describe, expect, it } from 'vitest'
 *
 * inboxSuite({ describe, it, expect }, {
 *   name: 'my store',
 *   facts: { clock: 'injected', processes: 'one', tx: 'none' },
 *   make: ({ clock }) => {
 *     const store = myStore({ clock })
 *     return { store, close: () => store.close() }
 *   },
 * })
 */
export function inboxSuite<Tx>(
  { describe, it, expect }: TestRunner,
  { name, facts, make }: InboxSuiteOptions<Tx>,
): void {
  async function run(test: InboxCase): Promise<void> {
    const clock = virtualClock()
    const subject = await make({ clock })
    try {
      expect(subject.store.facts).toEqual(facts)
      expect('accept' in subject.store).toBe(facts.inbox === true)
      await test.run(openWorld(subject as InboxSubject<unknown>, clock, expect))
    } finally {
      await subject.close()
    }
  }

  describe(`${facts.inbox ? 'inbox' : 'idempotency store'} contract: ${name}`, () => {
    for (const [group, cases] of Object.entries(groups)) {
      describe(group, () => {
        for (const test of cases) {
          const excuses = test.needs.map((need) => excuse(need, facts)).filter((text) => text !== undefined)
          if (excuses.length === 0) it(test.title, () => run(test), TIMEOUT_MS)
          else it(`unsupported: ${test.title} (${excuses.join(', ')})`, async () => {})
        }
      })
    }
  })
}
