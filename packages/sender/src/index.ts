export {
  type Clock,
  ConfigurationError,
  type Contract,
  defineContract,
  defineEvents,
  EndpointError,
  HooksError,
  hmacFormat,
  isHooksError,
  type Logger,
  PayloadError,
  part,
  type Queue,
  QueueError,
  type Random,
  StorageError,
  standardWebhooks,
} from '@hooks/core'
export type { DataCondition, DataFilter } from './data-filter.ts'
export type { DeliveriesApi, DeliveryFilter } from './deliveries.ts'
export { RATE_LIMIT } from './endpoint-settings.ts'
export type {
  CreateEndpoint,
  EndpointHealthView,
  EndpointInput,
  EndpointsApi,
  EndpointView,
  SecretView,
  UpdateEndpoint,
} from './endpoints-api.ts'
export type { KeyringOptions } from './keyring.ts'
export type { Mismatch } from './match.ts'
export { memoryStorage } from './memory-storage.ts'
export type { MessageAtEndpoint, MessageFilter, MessagesApi, MessageView } from './messages.ts'
export type {
  DeliveryEvent,
  EndpointEvent,
  EndpointFailure,
  OperationalEvent,
  OperationalEvents,
  OperationalListener,
} from './operational-events.ts'
export { type Policy, resolvePolicy } from './policy.ts'
export type { JobsApi, RecoverOptions, ReplayApi, ReplayCount, ReplayJob, ReplayOptions } from './replay-api.ts'
export type { DeliveryRequest } from './request.ts'
export type { Answer, ResolvedAddress, Resolver, Transport, TransportRequest } from './seams.ts'
export type { Outgoing, SendOptions, Sent } from './send.ts'
export { createSender } from './sender.ts'
export type { Health, OutgoingOf, Sender, SenderOptions } from './sender-api.ts'
