// What the good requests of most receivers do not need: refusals and failures, messages that are only verified, ids that are not
// signed, transactions. It is loaded with the first need of any of it.
export { answer, dictated, explain } from './answer.ts'
export { LazyMessage } from './message.ts'
export { withoutReplay } from './replayed-bytes.ts'
export { runInTransaction } from './transaction.ts'
