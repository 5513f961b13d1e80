import { type Storage, systemClock } from '@hooks/core'
import { seededRandom } from './seeded-random.ts'
import { claimCases } from './storage-cases/claim.ts'
import { endpointCases } from './storage-cases/endpoints.ts'
import { expungeCases } from './storage-cases/expunge.ts'
import { healthCases } from './storage-cases/health.ts'
import { historyCases } from './storage-cases/history.ts'
import { jobCases } from './storage-cases/jobs.ts'
import { laneCases } from './storage-cases/lanes.ts'
import { leaseCases } from './storage-cases/leases.ts'
import { lostAnswerCases } from './storage-cases/lost-answers.ts'
import { operationCases } from './storage-cases/operations.ts'
import { orderCases } from './storage-cases/order.ts'
import { outboxCases } from './storage-cases/outbox.ts'
import { pageCases } from './storage-cases/pages.ts'
import { rateCases } from './storage-cases/rate.ts'
import { replayCases } from './storage-cases/replay.ts'
import { resendCases } from './storage-cases/resend.ts'
import { settleCases } from './storage-cases/settle.ts'
import { shareCases } from './storage-cases/shares.ts'
import { transactionCases } from './storage-cases/transactions.ts'
import {
  type Expectation,
  excuse,
  openWorld,
  type StorageCase,
  type StorageSeams,
  type StorageSubject,
} from './storage-cases/world.ts'
import { virtualClock } from './virtual-clock.ts'

/** A test runner: `describe`, `it` and `expect` of Vitest, Jest or Bun. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, body: () => Promise<void>, timeoutMs?: number) => unknown
  readonly expect: (actual: unknown) => Expectation
}

/** What is put to the test. */
export interface StorageSuiteOptions<Tx> {
  /** Of the adapter, for the report. */
  readonly name: string
  /** What the storage says of itself. It decides which cases it is excused from, and the suite checks that it is true. */
  readonly facts: Storage['facts']
  /** A fresh, migrated, empty storage. Called once for every case. */
  readonly make: (seams: StorageSeams) => StorageSubject<Tx> | Promise<StorageSubject<Tx>>
}

const groups: Readonly<Record<string, readonly StorageCase[]>> = {
  outbox: outboxCases,
  transactions: transactionCases,
  claim: claimCases,
  lanes: laneCases,
  leases: leaseCases,
  settle: settleCases,
  'retire and revive': resendCases,
  endpoints: endpointCases,
  'lost answers': lostAnswerCases,
  history: historyCases,
  health: healthCases,
  order: orderCases,
  rates: rateCases,
  shares: shareCases,
  replay: replayCases,
  jobs: jobCases,
  expunging: expungeCases,
  pages: pageCases,
  operations: operationCases,
}

/** A case of ten thousand rows on a slow disk. */
const TIMEOUT_MS = 60_000

/** The titles of all cases: each is one promise of the `Storage` port. */
export const storageCases: readonly string[] = Object.values(groups).flatMap((cases) => cases.map(({ title }) => title))

/**
 * The contract of a `Storage` as tests. A case that a storage cannot run, because of what its `facts` say, is
 * reported under the name `unsupported: <case> (<fact>)`, so that no promise is skipped without a word.
 *
 * @example
 * import { describe, expect, it } from 'vitest'
 *
 * storageSuite({ describe, it, expect }, {
 *   name: 'my storage',
 *   facts: { clock: 'injected', processes: 'one', tx: 'none' },
 *   make: async ({ clock, random }) => {
 *     const storage = myStorage({ clock, random })
 *     return { storage, close: () => storage.close() }
 *   },
 * })
 */
export function storageSuite<Tx>(
  { describe, it, expect }: TestRunner,
  { name, facts, make }: StorageSuiteOptions<Tx>,
): void {
  async function run(test: StorageCase): Promise<void> {
    // A database goes by its own clock: the case begins when it is there.
    const clock = facts.clock === 'database' ? virtualClock(systemClock.now()) : virtualClock()
    const seams: StorageSeams = { clock, random: seededRandom(1) }
    const subject = await make(seams)
    try {
      expect(subject.storage.facts).toEqual(facts)
      await test.run(openWorld(subject as StorageSubject<unknown>, seams, expect))
    } finally {
      await subject.close()
    }
  }

  describe(`storage contract: ${name}`, () => {
    for (const [group, cases] of Object.entries(groups))
      describe(group, () => {
        for (const test of cases) {
          const excuses = test.needs.map((need) => excuse(need, facts)).filter((text) => text !== undefined)
          if (excuses.length === 0) it(test.title, () => run(test), TIMEOUT_MS)
          else it(`unsupported: ${test.title} (${excuses.join(', ')})`, async () => {})
        }
      })
  })
}
