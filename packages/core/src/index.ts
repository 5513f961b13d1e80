export type {
  ApiAttempt,
  ApiDeliveries,
  ApiDelivery,
  ApiDeliveryDetails,
  ApiEndpoint,
  ApiEventType,
  ApiJob,
  ApiPage,
  ApiProblem,
  ApiRecovered,
  AsJson,
} from './api-answers.ts'
export type { ApiName, ApiOperation, ApiRoute, ApiShape } from './api-shape.ts'
export type { BodyTemplate } from './body-template.ts'
export { equalBytes } from './compare.ts'
export {
  type Answers,
  type ClassifiedAnswer,
  type Classifier,
  type Contract,
  type ContractOptions,
  type DeliveryPolicy,
  type DisablePolicy,
  defineContract,
  type IdPrefixes,
} from './contract.ts'
export { platformCrypto } from './crypto.ts'
export { type Duration, toMs } from './duration.ts'
export { ecdsaFromDer } from './ecdsa.ts'
export { fromBase64, fromHex, joinBytes, toHex } from './encoding.ts'
export {
  type ConfigurationCode,
  ConfigurationError,
  type EndpointCode,
  EndpointError,
  type ErrorCode,
  type ErrorDetails,
  HooksError,
  isHooksError,
  type PayloadCode,
  PayloadError,
  type PayloadIssue,
  type QueueCode,
  QueueError,
  type StorageCode,
  StorageError,
  type VerificationCode,
  WebhookVerificationError,
} from './errors.ts'
export {
  defineEvents,
  type EventDefinition,
  type EventDefinitions,
  type EventInputs,
  type EventOutputs,
  type Events,
  type EventType,
} from './events.ts'
export {
  type Algorithm,
  type Candidate,
  type Carried,
  type Content,
  type Crypto,
  type CryptoBackend,
  type FormatFacts,
  type HeaderBag,
  type InboundFormat,
  Key,
  type Opened,
  type OutgoingAttempt,
  type OutgoingDelivery,
  type Proof,
  type RawRequest,
  type Reply,
  type ReplyTo,
  type Segment,
  type WireFormat,
} from './format.ts'
export type { HandledRequest, ReceivedRequest, RequestHandler } from './handled.ts'
export { type HeadersInput, headerBag, isFlat } from './headers.ts'
export { hmacFormat } from './hmac-format.ts'
export type {
  Codec,
  FieldsSignature,
  HmacFormatOptions,
  HmacSignature,
  TokenSignature,
} from './hmac-format-options.ts'
export { newId } from './id.ts'
export { inboundCrypto } from './inbound-crypto.ts'
export { parseJson } from './json.ts'
export {
  checkOptions,
  type Kind,
  kind,
  listOf,
  type OptionsRule,
  oneOf,
  orNull,
  wholeFrom,
  withMethods,
} from './options.ts'
export { freeAfter, freeNow, type Pace } from './pace.ts'
export {
  type BodyPart,
  type HeaderPart,
  type HeaderValuePart,
  type Part,
  part,
  type SignedPart,
  type Stamp,
  type StampPart,
  writeStamp,
} from './parts.ts'
export { payloadIssues } from './payload-issues.ts'
export type {
  Acceptance,
  Begun,
  IdempotencyStore,
  Inbox,
  InboxLease,
  InboxOutcome,
  OfReceiver,
  StoredRequest,
} from './ports/inbox.ts'
export type { Applied, ClaimOptions, Lease, LeaseRef, Leases } from './ports/lease.ts'
export type { Listening, ListenOptions, Queue } from './ports/queue.ts'
export type { AttemptRecord, AttemptReport, Trigger } from './ports/storage/attempts.ts'
export type {
  Deliveries,
  DeliveryLease,
  DeliveryOutcome,
  Depth,
  Retirement,
  Revival,
} from './ports/storage/deliveries.ts'
export type { Endpoint, EndpointFilter, Endpoints, NewEndpoint, StoredSecret } from './ports/storage/endpoints.ts'
export type { DeliveryView, History, MessageRecord } from './ports/storage/history.ts'
export type { Job, JobLease, JobOutcome, Jobs, NewJob } from './ports/storage/jobs.ts'
export type { Lane, LaneChange, LaneSettings } from './ports/storage/lanes.ts'
export type { NewDelivery, NewMessage, Outbox, PutResult, StoredMessage } from './ports/storage/outbox.ts'
export type { Page, Paged } from './ports/storage/page.ts'
export type { Migration, Schema, SchemaState } from './ports/storage/schema.ts'
export type { DeliveryState, Selector } from './ports/storage/selector.ts'
export type { Capability, Storage } from './ports/storage/storage.ts'
export {
  type Bytes,
  type Clock,
  consoleLogger,
  type Logger,
  type MaybePromise,
  type Ms,
  type Random,
  type Seams,
  silentLogger,
  systemClock,
  systemRandom,
} from './seams.ts'
export { generateSecret, SECRET_BYTES } from './secret.ts'
export type { SignatureFields } from './signature-fields.ts'
export type { InputOf, OutputOf, StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts'
export { standardWebhooks } from './standard-webhooks.ts'
export { type StandardWebhooksOptions, standardWebhooksInbound } from './standard-webhooks-inbound.ts'
export { checkMethod, type KeySet, proveRequest, verifyRequest, type Window } from './verify.ts'
export { inboundWebCrypto } from './web-crypto.ts'
export type { SecretGrammar, SignatureEncoding, WireBody, WireDescription } from './wire-description.ts'
export { type Answering, createAnswering } from './work/answering.ts'
export { backoff } from './work/backoff.ts'
export { type Bell, createBell } from './work/bell.ts'
export { type HeldRings, holdRings } from './work/held-rings.ts'
export { createWorkLoop, type WorkLoop, type WorkLoopOptions } from './work/loop.ts'
export { createTimeouts, type Timeouts, type Wait } from './work/timeouts.ts'
export { type WrongExample, wrongExamples } from './wrong-examples.ts'
