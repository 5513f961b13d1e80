export { type Crash, type CrashOperation, type Failpoint, performOperation } from './crash-cases/operations.ts'
export { type CrashSubject, type CrashSuiteOptions, crashCases, crashSuite } from './crash-suite.ts'
export { memoryQueue } from './memory-queue.ts'
export { plainEndpoint, plainMessage } from './plain.ts'
export type { QueueFacts, QueueSubject } from './queue-cases/world.ts'
export { type QueueSuiteOptions, queueCases, queueSuite } from './queue-suite.ts'
export { seededRandom } from './seeded-random.ts'
export { PLANTED_BUGS, type PlantedBug } from './simulation/bugs.ts'
export { FAULTS, type Fault, type FaultTable } from './simulation/faults.ts'
export { RING_FAULTS, type RingFault, type RingTable } from './simulation/queue-faults.ts'
export {
  type SimulatedDatabase,
  type SimulationOptions,
  type SimulationReport,
  simulate,
} from './simulation/simulate.ts'
export type { Expectation, HostTransaction, StorageSeams, StorageSubject } from './storage-cases/world.ts'
export { type StorageSuiteOptions, storageCases, storageSuite, type TestRunner } from './storage-suite.ts'
export { type VirtualClock, virtualClock } from './virtual-clock.ts'
