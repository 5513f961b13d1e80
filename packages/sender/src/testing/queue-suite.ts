import type { MaybePromise } from '@hooks/core'
import { listeningCases } from './queue-cases/listening.ts'
import { outageCases } from './queue-cases/outages.ts'
import { processCases } from './queue-cases/processes.ts'
import { ringingCases } from './queue-cases/ringing.ts'
import { excuse, openWorld, type QueueCase, type QueueFacts, type QueueSubject } from './queue-cases/world.ts'
import type { TestRunner } from './storage-suite.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

/** What is put to the test. */
export interface QueueSuiteOptions {
  /** Of the adapter, for the report. */
  readonly name: string
  /** What the queue is able to. It decides which cases it is excused from. */
  readonly facts: QueueFacts
  /** A fresh queue that nobody else rings. Called once for every case. */
  readonly make: (seams: { readonly clock: VirtualClock }) => MaybePromise<QueueSubject>
}

const groups: Readonly<Record<string, readonly QueueCase[]>> = {
  ringing: ringingCases,
  listening: listeningCases,
  processes: processCases,
  outages: outageCases,
}

/** Several times what a case waits for at most. */
const TIMEOUT_MS = 120_000

/** The titles of all cases: each is one promise of the `Queue` port. */
export const queueCases: readonly string[] = Object.values(groups).flatMap((cases) => cases.map(({ title }) => title))

/**
 * The contract of a `Queue` as tests. A healthy queue may do with rings what the port allows, and still has to ring: the
 * suite asks for what a sender relies on. A case that a queue cannot run, because of its `facts`, is reported under the
 * name `unsupported: <case> (<fact>)`.
 *
 * @example
 * import { describe, expect, it } from 'vitest'
 *
 * queueSuite({ describe, it, expect }, {
 *   name: 'my queue',
 *   facts: { clock: 'own', processes: 'many', server: false },
 *   make: () => {
 *     const name = randomUUID()
 *     const [queue, second] = [myQueue({ name }), myQueue({ name })]
 *     return { queue, second, close: async () => void (await Promise.all([queue.close(), second.close()])) }
 *   },
 * })
 */
export function queueSuite({ describe, it, expect }: TestRunner, { name, facts, make }: QueueSuiteOptions): void {
  async function run(test: QueueCase): Promise<void> {
    const clock = virtualClock()
    const subject = await make({ clock })
    try {
      await test.run(openWorld(subject, facts, clock, expect))
    } finally {
      await subject.close()
    }
  }

  describe(`queue contract: ${name}`, () => {
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
