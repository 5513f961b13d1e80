import type {
  EventDefinitions,
  EventOutputs,
  HandledRequest,
  RawRequest,
  ReceivedRequest,
  RequestHandler,
} from '@hooks/core'
import type { BackgroundControls } from './background.ts'
import type { Handler, HandlerName, MessageOf } from './handlers.ts'
import type {
  CommonOptions,
  InboxOptions,
  ProviderMessages,
  ProviderSubject,
  ReceiverOptions,
  SubjectOptions,
  TransactionOption,
  TxOf,
} from './options.ts'
import type { VerifiedMessage } from './request.ts'
import type { AnyTransaction } from './transaction.ts'

/** Verifies, deduplicates and hands on. `Messages` gives the data of each event type. */
export interface Receiver<Messages = Record<string, unknown>, Tx = unknown> extends RequestHandler {
  /**
   * Hands messages to `handler`, with the data as its schema gives it: those of one type (`booking.created`), of all
   * types any depth below a prefix (`booking.*`), or of all (`*`; with a catalog, all of its types). The nearest handler
   * has the message.
   *
   * @throws ConfigurationError `handler_duplicate`; `handler_late` after the first request; `event_type_invalid` where the catalog has no such type
   */
  on<Name extends HandlerName<Messages>>(name: Name, handler: Handler<MessageOf<Messages, Name>, Tx>): this
  /** Hands on messages of every type without a handler, unchecked by any schema. @throws as `on` */
  onUnknown(handler: Handler<VerifiedMessage, Tx>): this
  /** What has a handler: types, `prefix.*`, `*`. */
  eventTypes(): string[]
  /**
   * Only verifies: no schema, no handler, no deduplication.
   *
   * @throws WebhookVerificationError by the cause; ConfigurationError where a secret function gave no secret
   */
  verify(request: ReceivedRequest): Promise<VerifiedMessage>
  /** The whole way, from bytes to answer. It never rejects: what fails is in the outcome, and logged. */
  handle(request: ReceivedRequest): Promise<HandledRequest>
  /**
   * {@link Receiver.handle} for fetch servers; it needs no `this`. For a format that signs the URL, behind a proxy that changes
   * it, give it the one that the sender has: `receiver.fetch(new Request(publicUrl, request))`.
   */
  fetch(request: Request): Promise<Response>
  /** Checks the secret, for when a function gives it: call it at start. @throws ConfigurationError `secret_*` */
  check(request?: Partial<RawRequest>): Promise<void>
}

/**
 * Makes a receiver. Whatever it is given, it refuses what is not signed by one of its secrets.
 *
 * @throws ConfigurationError `secret_missing` and the other `secret_*`; `idempotency_key_needed`; `option_invalid`
 * @example
 * export const receiver = createReceiver({ contract, secret: process.env.WEBHOOK_SECRET, idempotency: memoryIdempotency() })
 *   .on('booking.created', async ({ data }) => { await book(data) })   // a throw is a 500, and the sender tries again
 */
export interface CreateReceiver {
  /** Accepts now and handles in the background. */
  <D extends EventDefinitions = EventDefinitions>(
    options: SubjectOptions<D> & CommonOptions & InboxOptions,
  ): Receiver<EventOutputs<D>> & BackgroundControls
  /** Handles before it answers. */
  <D extends EventDefinitions = EventDefinitions, Run extends AnyTransaction = never>(
    options: ReceiverOptions<D, NoInfer<TxOf<Run>>> & TransactionOption<Run>,
  ): Receiver<EventOutputs<D>, TxOf<Run>>
  /** For a provider whose event types are known: `createReceiver<Stripe.Event>({ format: stripe(), secret })`. */
  <Provided extends object>(
    options: ProviderSubject & CommonOptions & InboxOptions,
  ): Receiver<ProviderMessages<Provided>> & BackgroundControls
  <Provided extends object>(
    options: ProviderSubject & CommonOptions & TransactionOption & { readonly inbox?: never },
  ): Receiver<ProviderMessages<Provided>>
}
