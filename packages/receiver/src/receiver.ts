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
  type HandledRequest,
  HooksError,
  headerBag,
  type IdempotencyStore,
  type InboundFormat,
  inboundCrypto,
  type KeySet,
  type Logger,
  type MaybePromise,
  type Ms,
  proveRequest,
  type RawRequest,
  type ReceivedRequest,
  type RequestHandler,
  silentLogger,
  standardWebhooksInbound,
  systemClock,
  toMs,
  type Window,
} from '@hooks/core'
import { dedupeKeys } from './dedupe-keys.ts'
import { type Handler, parseData } from './handlers.ts'
import { type Run, runOnce } from './once.ts'
import { checkBody, LazyMessage, readBody, refuseUnread, type VerifiedMessage } from './request.ts'
import { RECEIVED, respond } from './respond.ts'

type Secrets = string | readonly (string | undefined)[]
type SecretFunction = (request: RawRequest) => MaybePromise<Secrets | undefined>

/** No event type: the handler of all that have none. */
const ANY = '*'
const FIVE_MINUTES: Ms = 300_000

/**
 * The secret, several of them during a rotation (4 at most, the newest first), or how to find them. After the first, an
 * undefined one is no secret.
 */
export type SecretSource = Secrets | SecretFunction

/** What a receiver takes: a contract, a format with or without a catalog, or neither for Standard Webhooks. */
export type ReceiverOptions<D extends EventDefinitions = EventDefinitions> = (
  | { readonly contract: Contract<D>; readonly format?: never; readonly events?: never }
  | { readonly contract?: never; readonly format?: InboundFormat; readonly events?: Events<D> }
) & {
  /** Text is checked at once, a function's result at each request and by `receiver.check()`. Without one nothing is received. */
  readonly secret: SecretSource | undefined
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
export function createReceiver<D extends EventDefinitions = EventDefinitions>(
  options: ReceiverOptions<D>,
): Receiver<EventOutputs<D>> {
  const {
    contract,
    format = contract?.format ?? standardWebhooksInbound(),
    events = contract?.events,
    secret,
    idempotency: store,
    idempotencyKey,
    leaseMs = 60_000,
    maxBodyBytes = 2 ** 20,
    onUnknown,
    onInvalidPayload,
    source = '',
    clock = systemClock,
    logger = silentLogger,
  } = options
  const { name, facts, methods } = format
  const window = windowOf(format, options.maxAge, options.maxFuture)
  // A request could be replayed for as long as its time is good.
  const keepMs = Math.max(options.keepMs ?? 604_800_000, window ? window.maxAgeMs + window.maxFutureMs : 0)
  const answers = {
    ...contract?.answers,
    ...(onInvalidPayload === 'acknowledge' && { payload_invalid: RECEIVED }),
    ...options.answers,
  }
  const crypto = (format.crypto ?? inboundCrypto)()
  const handlers = new Map<string, Handler>()
  let started = false

  if (!(leaseMs > 0 && keepMs > 0)) throw new ConfigurationError('option_invalid', 'leaseMs and keepMs are above 0')
  if (store && !idempotencyKey && facts.id === 'absent') {
    throw new ConfigurationError('idempotency_key_needed', `${name} has no id on the wire to tell a retry by`)
  }

  const keySets = (given: unknown): readonly KeySet[] => {
    const secrets = Array.isArray(given) && given.length > 0 ? given : [given]
    if (secrets.length > 4) throw new ConfigurationError('option_invalid', 'there are more than 4 secrets')
    // After the first, a place may be empty: the variable of an old secret is set during a rotation alone.
    return secrets.flatMap((one, i) =>
      i > 0 && one === undefined ? [] : { keyId: `${i}`, keys: format.keys(one, 'verify') },
    )
  }
  const fixed = typeof secret === 'function' ? undefined : keySets(secret)
  const setsFor = async (raw: RawRequest) => keySets(typeof secret === 'function' ? await secret(raw) : secret)

  const prove = async (request: ReceivedRequest): Promise<LazyMessage> => {
    const { method = 'POST', url = '', body } = request
    checkMethod(format, method)
    const headers = headerBag(request.headers)
    const read = typeof body === 'function' ? await body().catch(refuseUnread) : body
    const raw = { method, url, headers, body: checkBody(read, headers, maxBodyBytes) }
    const keyId = proveRequest(format, fixed ?? (await setsFor(raw)), raw, clock, crypto, window)
    return new LazyMessage(format, raw, typeof keyId === 'string' ? keyId : await keyId)
  }

  const run = async (message: LazyMessage): Promise<Run> => {
    const { raw, content, keyId, integrity, body } = message
    const { type, id } = content
    const handler = handlers.get(type) ?? handlers.get(ANY)
    if (!handler) return { outcome: 'unknown_event' }
    const data = handlers.has(type) ? await parseData(events?.get(type)?.schema, content.data) : content.data
    const work = (attempt: number, signal: AbortSignal) =>
      handler({ ...content, data, keyId, integrity, body }, { id, attempt, signal, keyId, log: logger })
    if (store) {
      const own = idempotencyKey ? idempotencyKey(message) : id
      const space = typeof source === 'function' ? source(raw) : source
      const keys = await dedupeKeys(format, raw, own, !!idempotencyKey || facts.id === 'signed', space, crypto)
      return runOnce({ store, ...keys, leaseMs, keepMs, clock }, work)
    }
    try {
      await work(content.attempt ?? 1, new AbortController().signal)
      return { outcome: 'handled' }
    } catch (error) {
      return { outcome: 'handler_failed', error }
    }
  }

  const handle = async (request: ReceivedRequest): Promise<HandledRequest> => {
    started = true
    let message: LazyMessage | undefined
    let ran: Run
    try {
      message = await prove(request)
      ran = await run(message)
    } catch (error) {
      // What is no error of ours comes from one of the host's functions.
      ran = { outcome: error instanceof HooksError ? error.code : 'handler_failed', error }
    }
    const { outcome, retryInMs = leaseMs } = ran
    const answer = respond(outcome, answers, {
      ...(outcome === 'method_not_allowed' && { allow: methods.join(', ') }),
      ...(outcome === 'in_progress' && { 'retry-after': `${Math.ceil(retryInMs / 1000) || 1}` }),
    })
    try {
      const { type, id } = message?.parsed ?? {}
      const fields = { code: outcome, type, id, err: ran.error }
      if ('error' in ran) logger[answer.status < 500 ? 'warn' : 'error'](fields, `webhook: ${outcome}`)
    } catch {
      // A log that is full keeps no sender waiting.
    }
    return answer
  }

  const on = (type: string, handler: Handler) => {
    if (started) throw new ConfigurationError('handler_late')
    if (handlers.has(type)) throw new ConfigurationError('handler_duplicate', `"${type}" has a handler`)
    if (type !== ANY && events && !events.get(type)) {
      throw new ConfigurationError('event_type_invalid', `"${type}" is not in the catalog`)
    }
    handlers.set(type, handler)
    return receiver
  }
  if (onUnknown) handlers.set(ANY, onUnknown)

  const receiver: Receiver<EventOutputs<D>> = {
    maxBodyBytes,
    on: on as Receiver<EventOutputs<D>>['on'],
    onUnknown: (handler) => on(ANY, handler),
    eventTypes: () => [...handlers.keys()].filter((type) => type !== ANY),
    verify: prove,
    handle,
    async fetch(request) {
      const { method, url, headers } = request
      const answer = await handle({ method, url, headers, body: () => readBody(request, maxBodyBytes) })
      return new Response(answer.body || null, answer)
    },
    async check(request) {
      await setsFor({ method: 'POST', url: '', headers: headerBag([]), body: new Uint8Array(), ...request })
    },
  }
  return receiver
}

/** The format's window, or what the user wants in its place. */
function windowOf({ facts, window }: InboundFormat, maxAge?: Duration, maxFuture?: Duration): Window {
  if (maxAge === undefined && maxFuture === undefined) return window
  if (facts.sentAt !== 'signed') throw new ConfigurationError('option_invalid', 'the format signs no time to bound')
  const { maxAgeMs, maxFutureMs } = window ?? { maxAgeMs: FIVE_MINUTES, maxFutureMs: FIVE_MINUTES }
  return { maxAgeMs: toMs(maxAge ?? maxAgeMs, 'maxAge'), maxFutureMs: toMs(maxFuture ?? maxFutureMs, 'maxFuture') }
}
