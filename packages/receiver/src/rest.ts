// What the first good request of most receivers does not need, loaded with the first need of any of it.
export { answer, dictated, explain } from './answer.ts'
export { LazyMessage } from './message.ts'
export { withoutReplay } from './replayed-bytes.ts'
export { runInTransaction } from './transaction.ts'
