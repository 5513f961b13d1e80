export { createReceiver, type Receiver, type ReceiverOptions, type SecretSource } from './receiver.ts'
export { memoryIdempotency, type MemoryIdempotencyOptions } from './memory-idempotency.ts'
export type { Handler, HandlerContext } from './handlers.ts'
export type { VerifiedMessage } from './request.ts'
