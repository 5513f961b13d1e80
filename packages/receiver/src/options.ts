import type {
  Answers,
  Clock,
  Contract,
  EventDefinitions,
  Events,
  IdempotencyStore,
  InboundFormat,
  Logger,
  Ms,
  RawRequest,
} from '@hooks/core'
import type { InboxMode } from './background.ts'
import type { Explain } from './explain.ts'
import type { Handler } from './handlers.ts'
import type { VerifiedMessage } from './request.ts'
import type { Outcome } from './run.ts'
import type { SecretSource } from './secrets.ts'
import type { AnyTransaction } from './transaction.ts'

/** What the host's function hands to its callback, and so `ctx.tx`. Unknown where the function does not say it. */
export type TxOf<Run> = [Run] extends [(run: infer Callback) => unknown]
  ? [Callback] extends [never]
    ? unknown
    : Callback extends (tx: infer Tx) => unknown
      ? Tx
      : unknown
  : unknown

/** What every receiver takes. */
export interface CommonOptions<Tx = unknown> {
  /**
   * Text is checked at once, a function's result at each request and by `receiver.check()`. Without one nothing is received:
   * a function that gives none is the host's mistake, a 500. Where a stranger can ask for what there is not, such as a tenant,
   * let it throw `new WebhookVerificationError('signature_mismatch')`, which is a 401.
   */
  readonly secret: SecretSource | undefined
  /** Remembers what was handled. Without one, a message that comes twice is handled twice. */
  readonly idempotency?: IdempotencyStore<Tx>
  /**
   * What is the same for every attempt of a message, for formats without an id on the wire. By default the id, or, of a message
   * without one in a format that has them, its bytes.
   */
  readonly idempotencyKey?: (message: VerifiedMessage) => string
  /** How long a crashed handler keeps its message from being tried again: 60,000. It is extended while the handler runs. */
  readonly leaseMs?: Ms
  /** How long a handled message is remembered: 7 days. Longer than its sender goes on trying. */
  readonly keepMs?: Ms
  /** How old a signed time may be: the format's window by default, 5 minutes for most. */
  readonly maxAge?: Ms
  /** How far a signed time may be ahead: the format's window by default, 5 minutes for most. */
  readonly maxFuture?: Ms
  /** 1 MiB by default. */
  readonly maxBodyBytes?: number
  /** For types without a handler and, where there is a catalog, for those that it lacks. Without it they are acknowledged and dropped. */
  readonly onUnknown?: Handler<VerifiedMessage, Tx>
  /** What to answer where the data does not fit its schema: 500, since a deploy can mend it (the default), or 200. */
  readonly onInvalidPayload?: 'retry' | 'acknowledge'
  /** Called with every outcome, for metrics. What it throws is dropped. */
  readonly onOutcome?: (outcome: Outcome) => void
  /** By outcome, in place of the usual status and body; over the contract's own. */
  readonly answers?: Answers
  /**
   * Stands in front of every key in the idempotency store. Give each receiver that shares a store or an inbox its own; where the
   * secret depends on the request, so must this, or one sender could use up the ids of another: on what chose the secret
   * and no more, since whoever repeats a request can write another query behind its URL.
   */
  readonly source?: string | ((request: RawRequest) => string)
  /**
   * Says in the log why no signature fits. By default `explainMismatch`, loaded where `NODE_ENV` is not `production`;
   * `false` for silence. No answer ever tells it.
   */
  readonly explain?: Explain | false
  readonly clock?: Clock
  /** Told of all that failed or was dropped. By default the console, and of the host's own failures alone. */
  readonly logger?: Logger
}

/** The work, its claim and its completion in one transaction. */
export interface TransactionOption<Run extends AnyTransaction = AnyTransaction> {
  /**
   * The host's own transactions, on the database of `idempotency`: claim, work and completion commit together, so the
   * work is done exactly once. The handler writes in `ctx.tx`.
   *
   * Pass the host's own function, bound, or one whose callback says its type: `ctx.tx` has it.
   *
   * @example
   * transaction: (run: (tx: Tx) => Promise<void>) => db.transaction(run)
   */
  readonly transaction?: Run
}

/** The way to the background, in place of handling before the answer. */
export interface InboxOptions {
  /** `background(inbox)`: accept by a durable insert, answer, handle later. */
  readonly inbox: InboxMode
  readonly idempotency?: never
  readonly transaction?: never
  readonly leaseMs?: never
}

/** What is received: a contract, a format with or without a catalog, or neither for Standard Webhooks. */
export type SubjectOptions<D extends EventDefinitions = EventDefinitions> =
  | { readonly contract: Contract<D>; readonly format?: never; readonly events?: never }
  | { readonly contract?: never; readonly format?: InboundFormat; readonly events?: Events<D> }

/** What a receiver takes that handles before it answers. */
export type ReceiverOptions<D extends EventDefinitions = EventDefinitions, Tx = unknown> = SubjectOptions<D> &
  CommonOptions<Tx> & { readonly inbox?: never }

/** What either kind of receiver takes. */
export type AnyReceiverOptions = SubjectOptions & CommonOptions & TransactionOption & { readonly inbox?: InboxMode }

/** What is received from a provider whose types are known: `createReceiver<Stripe.Event>({ format: stripe(), ... })`. */
export interface ProviderSubject {
  readonly format: InboundFormat
  readonly contract?: never
  readonly events?: never
}

/** By event type, the data: of a union on `type` (the whole event), or of a record from types to data. */
export type ProviderMessages<Provided extends object> = [Provided] extends [{ readonly type: string }]
  ? { readonly [T in Provided['type']]: Extract<Provided, { readonly type: T }> }
  : Provided
