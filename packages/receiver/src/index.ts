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
export type { Handler, HandlerContext } from './handlers.ts'
export { type MemoryIdempotencyOptions, memoryIdempotency } from './memory-idempotency.ts'
export { type MemoryInboxOptions, memoryInbox } from './memory-inbox.ts'
export { createReceiver, type Receiver, type ReceiverOptions, type SecretSource } from './receiver.ts'
export type { VerifiedMessage } from './request.ts'
