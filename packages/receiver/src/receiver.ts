import {
  type Answers,
  type Clock,
  ConfigurationError,
  type Contract,
  checkMethod,
  type Duration,
  type EventDefinitions,
  type EventOutputs,
  type Events,
  HooksError,
  type HandledRequest,
  headerBag,
  type IdempotencyStore,
  type InboundFormat,
  type KeySet,
  type Logger,
  type MaybePromise,
  type Ms,
  type PayloadError,
  platformCrypto,
  type RawRequest,
  type ReceivedRequest,
  type RequestHandler,
  silentLogger,
  standardWebhooksInbound,
  systemClock,
  toMs,
  verifyRequest,
  type Window,
} from '@hooks/core'
import { dedupeKeys } from './dedupe-keys.ts'
import { type Handler, parseData } from './handlers.ts'
import { type Run, runOnce } from './once.ts'
import { LazyMessage, readBody, takeBody, type VerifiedMessage } from './request.ts'
import { respond } from './respond.ts'

const FIVE_MINUTES = { maxAgeMs: 300_000, maxFutureMs: 300_000 }

type SecretFunction = (request: RawRequest) => MaybePromise<string | readonly string[] | undefined>

/** The secret, several of them during a rotation (4 at most, the newest first), or how to find them. */
export type SecretSource = string | readonly string[] | SecretFunction

/** What a receiver takes: a contract, a format with or without a catalog, or neither for Standard Webhooks. */
export type ReceiverOptions<D extends EventDefinitions = EventDefinitions> = (
  | { readonly contract: Contract<D>; readonly format?: never; readonly events?: never }
  | { readonly contract?: never; readonly format?: InboundFormat; readonly events?: Events<D> }
) & {
  /** Text is checked at once, a function's result at each request and by `receiver.check()`. Without one nothing is received. */
  readonly secret: SecretSource
  /** Remembers what was handled. Without one, a message that comes twice is handled twice. */
  readonly idempotency?: IdempotencyStore
  /** What is the same for every attempt of a message, for formats without an id on the wire. */
  readonly idempotencyKey?: (message: VerifiedMessage) => string
  /** How long a crashed handler keeps its message from being tried again: 60,000. It is extended while the handler runs. */
  readonly leaseMs?: Ms
  /** How long a handled message is remembered: 7 days. Longer than its sender goes on trying. */
  readonly keepMs?: Ms
  /** How old a signed time may be: the format's window by default, 5 minutes for most. */
  readonly maxAge?: Duration
  /** How far a signed time may be ahead: the format's window by default, 5 minutes for most. */
  readonly maxFuture?: Duration
  /** 1 MiB by default. */
  readonly maxBodyBytes?: number
  /** For event types without a handler. Without it they are acknowledged and dropped. */
  readonly onUnknown?: Handler
  /** What to answer where the data does not fit its schema: 500, since a deploy can mend it (the default), or 200. */
  readonly onInvalidPayload?: 'retry' | 'acknowledge'
  /** By outcome, in place of the usual status and body; over the contract's own. */
  readonly answers?: Answers
  /**
   * Stands in front of every key in the idempotency store. Give each receiver that shares a store its own; where the
   * secret depends on the request, so must this, or one sender could use up the ids of another.
   */
  readonly source?: string | ((request: RawRequest) => string)
  readonly clock?: Clock
  readonly logger?: Logger
}

/** Verifies, deduplicates and hands on. `Messages` gives the data of each event type. */
export interface Receiver<Messages extends object = Record<string, unknown>> extends RequestHandler {
  /**
   * Hands messages of `type` to `handler`, with the data as its schema gives it.
   *
   * @throws ConfigurationError `handler_duplicate`; `handler_late` after the first request; `event_type_invalid` where the catalog has no such type
   */
  on<T extends keyof Messages & string>(type: T, handler: Handler<T, Messages[T]>): this
  /** Hands on messages of every type without a handler, unchecked by any schema. @throws as `on` */
  onUnknown(handler: Handler): this
  /** The types with a handler. */
  eventTypes(): string[]
  /**
   * Only verifies: no schema, no handler, no deduplication.
   *
   * @throws WebhookVerificationError by the cause; ConfigurationError where a secret function gave no secret
   */
  verify(request: ReceivedRequest): Promise<VerifiedMessage>
  /** The whole way, from bytes to answer. It never rejects: what fails is in the outcome, and logged. */
  handle(request: ReceivedRequest): Promise<HandledRequest>
  /** {@link Receiver.handle} for fetch servers; it needs no `this`. */
  fetch(request: Request): Promise<Response>
  /** Fetches and checks the secrets, for a function at start. @throws ConfigurationError `secret_*` */
  check(request?: ReceivedRequest): Promise<void>
}

/**
 * Makes a receiver. Whatever it is given, it refuses what is not signed by one of its secrets.
 *
 * @throws ConfigurationError `secret_missing` and the other `secret_*`; `idempotency_key_needed`; `option_invalid`
 * @example
 * export const receiver = createReceiver({ contract, secret: process.env.WEBHOOK_SECRET, idempotency: memoryIdempotency() })
 *   .on('booking.created', async ({ data }) => { await book(data) })   // a throw is a 500, and the sender tries again
 */
export function createReceiver<D extends EventDefinitions = EventDefinitions>(
  options: ReceiverOptions<D>,
): Receiver<EventOutputs<D>> {
  const { contract, secret, idempotency: store, idempotencyKey, source = '', maxBodyBytes = 2 ** 20 } = options
  const { leaseMs = 60_000, keepMs = 604_800_000, clock = systemClock, logger = silentLogger } = options
  const format = contract?.format ?? options.format ?? standardWebhooksInbound()
  const events = contract?.events ?? options.events
  const answers = { ...contract?.answers, ...options.answers }
  const window = windowOf(format, options)
  const crypto = platformCrypto()
  const handlers = new Map<string, Handler>()
  let fallback = options.onUnknown
  let started = false

  const toSets = (given: unknown): KeySet[] => {
    const secrets = Array.isArray(given) && given.length > 0 ? given : [given]
    if (secrets.length > 4) throw new ConfigurationError('option_invalid', 'there are more than 4 secrets')
    return secrets.map((one, index) => ({ keyId: `${index}`, keys: format.keys(one, 'verify') }))
  }
  const fixed = typeof secret === 'function' ? undefined : toSets(secret)
  if (store && !idempotencyKey && format.facts.id === 'absent') {
    throw new ConfigurationError('idempotency_key_needed', `${format.name} has no id on the wire`, {
      hint: 'idempotencyKey: (message) => what every retry of it has, and no other message',
    })
  }
  if (store && window && keepMs < window.maxAgeMs + window.maxFutureMs) {
    throw new ConfigurationError('option_invalid', 'keepMs is shorter than the window')
  }

  const open = async ({ method = 'POST', url = '', headers: given, body }: ReceivedRequest): Promise<RawRequest> => {
    checkMethod(format, method)
    const headers = headerBag(given)
    return { method, url, headers, body: await takeBody(body, headers, maxBodyBytes) }
  }
  const setsFor = async (raw: RawRequest) => fixed ?? toSets(await (secret as SecretFunction)(raw))
  const prove = async (raw: RawRequest) =>
    new LazyMessage(format, raw, await verifyRequest(format, await setsFor(raw), raw, clock, crypto, window))

  /** What it throws is a fault of the message, or of one of the host's own functions. */
  const handOn = async (raw: RawRequest, message: LazyMessage): Promise<Run> => {
    const { content, keyId, integrity, body } = message
    const { type, id } = content
    const handler = handlers.get(type) ?? fallback
    if (!handler) return { outcome: 'unknown_event' }
    const data = handlers.has(type) ? await parseData(events?.get(type)?.schema, content.data) : content.data
    const work = (attempt: number, signal: AbortSignal) =>
      handler({ ...content, data, keyId, integrity, body }, { id, attempt, signal, keyId, log: logger })
    if (!store) {
      try {
        await work(content.attempt ?? 1, new AbortController().signal)
        return { outcome: 'handled' }
      } catch (error) {
        return { outcome: 'handler_failed', error }
      }
    }
    const space = `${typeof source === 'string' ? source : source(raw)}:${format.name}`
    const unsigned = !idempotencyKey && format.facts.id === 'unsigned'
    const signed = unsigned ? format.open(raw).proofs.flatMap(({ over }) => over.flat()) : []
    const keys = await dedupeKeys(space, idempotencyKey ? idempotencyKey(message) : id, signed, crypto)
    return runOnce({ store, ...keys, leaseMs, keepMs, clock }, work)
  }

  const handle = async (request: ReceivedRequest): Promise<HandledRequest> => {
    started = true
    let message: LazyMessage | undefined
    let run: Run
    try {
      const raw = await open(request)
      message = await prove(raw)
      run = await handOn(raw, message)
    } catch (error) {
      run = { outcome: error instanceof HooksError ? error.code : 'handler_failed', error }
    }
    const { outcome, error, retryInMs } = run
    const headers: Record<string, string> = {}
    if (outcome === 'method_not_allowed') headers.allow = format.methods.join(', ')
    if (retryInMs) headers['retry-after'] = `${Math.ceil(retryInMs / 1000)}`
    const acknowledge = outcome === 'payload_invalid' && options.onInvalidPayload === 'acknowledge'
    const answer = respond(outcome, answers, headers, acknowledge)
    if (error) {
      const { code, hint, issues, message: what } = error as PayloadError
      const about = { code: outcome, type: message?.parsed?.type, id: message?.parsed?.id }
      logger[answer.status < 500 ? 'warn' : 'error'](code === outcome ? { ...about, hint, issues } : { ...about, err: error }, what)
    }
    return answer
  }

  const early = () => {
    if (started) throw new ConfigurationError('handler_late', 'handlers are added before the first request')
  }
  const duplicate = (type: string) => new ConfigurationError('handler_duplicate', `${type} has a handler`)
  return {
    maxBodyBytes,
    on(type, handler) {
      early()
      if (handlers.has(type)) throw duplicate(type)
      if (events && !events.get(type)) throw new ConfigurationError('event_type_invalid', `"${type}" is not in the catalog`)
      handlers.set(type, handler as Handler)
      return this
    },
    onUnknown(handler) {
      early()
      if (fallback) throw duplicate('onUnknown')
      fallback = handler
      return this
    },
    eventTypes: () => [...handlers.keys()],
    verify: async (request) => prove(await open(request)),
    handle,
    async fetch(request) {
      const { method, url, headers } = request
      const answer = await handle({ method, url, headers, body: () => readBody(request, maxBodyBytes) })
      return new Response(answer.body || null, answer)
    },
    async check(request = { headers: [], body: new Uint8Array() }) {
      await setsFor(await open(request))
    },
  }
}

function windowOf<D extends EventDefinitions>(
  { facts, window }: InboundFormat,
  { maxAge, maxFuture }: ReceiverOptions<D>,
): Window {
  if (maxAge === undefined && maxFuture === undefined) return window
  if (facts.sentAt !== 'signed') {
    throw new ConfigurationError('option_invalid', 'the format signs no time, so maxAge and maxFuture check nothing')
  }
  const { maxAgeMs, maxFutureMs } = window ?? FIVE_MINUTES
  return {
    maxAgeMs: toMs(maxAge ?? maxAgeMs, 'maxAge'),
    maxFutureMs: toMs(maxFuture ?? maxFutureMs, 'maxFuture'),
  }
}
