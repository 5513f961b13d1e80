// A receiver's user needs one import: what contracts, formats and errors are made of comes from core through here.
export {
  type Answers,
  ConfigurationError,
  type Contract,
  defineContract,
  defineEvents,
  type ErrorCode,
  type EventDefinition,
  type EventDefinitions,
  type EventInputs,
  type EventOutputs,
  type Events,
  type HandledRequest,
  type HmacFormatOptions,
  HooksError,
  hmacFormat,
  type IdempotencyStore,
  type InboundFormat,
  type Inbox,
  isHooksError,
  type Logger,
  PayloadError,
  part,
  type ReceivedRequest,
  type RequestHandler,
  type StandardSchema,
  StorageError,
  standardWebhooks,
  WebhookVerificationError,
  type WireFormat,
} from '@hooks/core'
export { type BackgroundControls, type BackgroundOptions, background, type InboxMode } from './background.ts'
export type { DeadLetter, DeadLetters } from './dead-letters.ts'
export { type Explain, explainMismatch, type Mismatch } from './explain.ts'
export type { Handler, HandlerContext, HandlerName, MessageOf } from './handlers.ts'
export { type MemoryIdempotencyOptions, memoryIdempotency } from './memory-idempotency.ts'
export { type MemoryInboxOptions, memoryInbox } from './memory-inbox.ts'
export type { ReceiverOptions, TxOf } from './options.ts'
export type { CreateReceiver, Receiver } from './receiver-types.ts'
export type { VerifiedMessage } from './request.ts'
export type { Outcome } from './run.ts'
export type { SecretSource } from './secrets.ts'
export { Discard, RetryLater } from './signals.ts'
