import { type MaybePromise, type Storage, systemClock } from '@hooks/core'
import { type CrashCase, crashCases as cases } from './crash-cases/cases.ts'
import type { Crash, CrashOperation, Failpoint } from './crash-cases/operations.ts'
import { seededRandom } from './seeded-random.ts'
import { openWorld, type StorageSeams, type StorageSubject } from './storage-cases/world.ts'
import type { TestRunner } from './storage-suite.ts'
import { virtualClock } from './virtual-clock.ts'

/** A fresh, empty storage, and how another process on it dies. */
export interface CrashSubject extends Pick<StorageSubject<unknown>, 'storage' | 'pass' | 'close'> {
  /**
   * Has another process on the same data do what it is told (`performOperation`), and end itself with SIGKILL at the
   * failpoint. Resolves when nothing of it is left, in the database neither: `killed`, or `ended` where the call was over
   * before its failpoint.
   */
  crash(crash: Crash): Promise<'killed' | 'ended'>
  /** What is wrong with the rows, read by a connection and statements of its own. Empty where they fit together. */
  probe(): MaybePromise<readonly string[]>
}

/** What is put to the test. */
export interface CrashSuiteOptions {
  /** Of the adapter, for the report. */
  readonly name: string
  readonly facts: Storage['facts']
  /**
   * Where in a statement a process can die: `before` it; and `during` it where the process does not wait for it with its
   * one thread.
   */
  readonly failpoints: readonly ('before' | 'during')[]
  /** A fresh, migrated, empty storage. Called once for every case. */
  readonly make: (seams: StorageSeams) => CrashSubject | Promise<CrashSubject>
}

/** More statements than any call has. */
const MOST_STATEMENTS = 60
const TIMEOUT_MS = 600_000

/** The titles of all cases. */
export const crashCases: readonly string[] = cases.map(({ title }) => title)

/**
 * What a storage promises to those who die in the middle of a call, as tests: a process is killed with SIGKILL before,
 * during and after each statement of a send, an expansion, a claim, a settlement and a removal; a probe beside the storage looks at
 * the rows, and the work is done again by another. For storages that several processes share.
 *
 * @example
 * crashSuite({ describe, it, expect }, { name: 'my storage', facts, failpoints: ['before', 'during'], make })
 */
export function crashSuite({ describe, it, expect }: TestRunner, options: CrashSuiteOptions): void {
  const { name, facts, failpoints, make } = options

  async function run(test: CrashCase): Promise<void> {
    const clock = facts.clock === 'database' ? virtualClock(systemClock.now()) : virtualClock()
    const seams: StorageSeams = { clock, random: seededRandom(1) }
    const subject = await make(seams)
    const world = openWorld(subject as StorageSubject<unknown>, seams, expect)
    let passedMs = 0

    async function at(failpoint: Failpoint): Promise<'killed' | 'ended'> {
      let ended: 'killed' | 'ended' | undefined
      await test.run({
        ...world,
        async pass(ms) {
          passedMs += ms
          await world.pass(ms)
        },
        async crash(operation: CrashOperation) {
          ended = await subject.crash({ operation, failpoint, now: clock.now(), passedMs })
        },
        async probe() {
          const where = `killed ${failpoint.at} ${failpoint.statement ?? ''}`
          expect({ where, wrong: await subject.probe() }).toEqual({ where, wrong: [] })
        },
      })
      if (ended === undefined) throw new Error('the case has killed nobody')
      return ended
    }

    try {
      let statements = 0
      for (let isThere = true; isThere; ) {
        statements++
        if (statements > MOST_STATEMENTS) throw new Error(`a call has more than ${MOST_STATEMENTS} statements`)
        for (const point of failpoints) {
          // It ends where the call has no such statement.
          if (isThere) isThere = (await at({ at: point, statement: statements })) === 'killed'
        }
      }
      expect(statements).toBeGreaterThan(1)
      expect(await at({ at: 'after' })).toBe('killed')
    } finally {
      await subject.close()
    }
  }

  describe(`storage contract under SIGKILL: ${name}`, () => {
    for (const test of cases) it(test.title, () => run(test), TIMEOUT_MS)
  })
}
