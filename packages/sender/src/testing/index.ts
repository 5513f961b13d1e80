export { seededRandom } from './seeded-random.ts'
export type { Expectation, HostTransaction, StorageSeams, StorageSubject } from './storage-cases/world.ts'
export { storageCases, storageSuite, type StorageSuiteOptions, type TestRunner } from './storage-suite.ts'
export { type VirtualClock, virtualClock } from './virtual-clock.ts'
