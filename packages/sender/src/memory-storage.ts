import { type Clock, newId, type Random, type Storage, systemClock, systemRandom } from '@hooks/core'
import { memoryDeliveries } from './memory/deliveries.ts'
import { memoryEndpoints } from './memory/endpoints.ts'
import { memoryHistory } from './memory/history.ts'
import { memoryJobs } from './memory/jobs.ts'
import { memoryOutbox } from './memory/outbox.ts'
import { createState } from './memory/state.ts'

/** The seams of a {@link memoryStorage}. */
export interface MemoryStorageOptions {
  /** Decides what is due. Default: the machine's clock. */
  readonly clock?: Clock
  /** Names the installation. Default: the platform's random source. */
  readonly random?: Random
}

/**
 * A storage in the memory of this process: for tests, for trying things out, and for messages that may be lost
 * with the process. It keeps the whole contract of a `Storage` but for transactions, and everything that it was
 * given until `history.prune` forgets it.
 *
 * @example
 * const hooks = createSender({ contract, storage: memoryStorage() })
 */
export function memoryStorage(options: MemoryStorageOptions = {}): Storage<never> {
  const { clock = systemClock, random = systemRandom } = options
  const installation = newId('memory_', clock, random)
  const state = createState(clock)
  return {
    facts: { clock: 'injected', processes: 'one', tx: 'none' },
    ...memoryOutbox(state),
    ...memoryDeliveries(state),
    endpoints: memoryEndpoints(state),
    history: memoryHistory(state),
    jobs: memoryJobs(state),
    schema: {
      check: () => state.run(() => ({ version: 1, expected: 1, installation })),
      migrations: () => [],
      migrate: () => state.run(() => {}),
    },
    async close() {
      state.closed = true
    },
  }
}
