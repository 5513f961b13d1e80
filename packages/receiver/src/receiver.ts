import {
  ConfigurationError,
  type CryptoBackend,
  checkMethod,
  type HandledRequest,
  HooksError,
  headerBag,
  type KeySet,
  type Ms,
  proveRequest,
  type RawRequest,
  type ReceivedRequest,
  type Reply,
  silentLogger,
  standardWebhooksInbound,
  systemClock,
  type Window,
} from '@hooks/core'
import type { Background } from './background.ts'
import { dedupeKeys } from './dedupe-keys.ts'
import { explainsItself } from './explain-on-demand.ts'
import { type Handler, handlerFor } from './handlers.ts'
import { type Memory, runOnce } from './once.ts'
import type { AnyReceiverOptions } from './options.ts'
import type { Receiver } from './receiver-types.ts'
import { checkBody, LazyMessage, readBody, refuseUnread, type VerifiedMessage } from './request.ts'
import { RECEIVED, respond } from './respond.ts'
import { type Run, runWork, type Work } from './run.ts'

/** The name of the handler for all that have none: no type is of white space. */
const UNKNOWN = ' '
const FIVE_MINUTES: Ms = 300_000

/** A receiver on a platform's cryptography. */
export function receiverOn(platform: () => CryptoBackend, options: AnyReceiverOptions): Receiver {
  const {
    contract,
    format = contract?.format ?? standardWebhooksInbound(),
    events = contract?.events,
    secret,
    idempotency: store,
    idempotencyKey,
    transaction,
    inbox,
    leaseMs = 60_000,
    maxAge,
    maxFuture,
    maxBodyBytes = 2 ** 20,
    onUnknown,
    onOutcome,
    onInvalidPayload,
    source = '',
    explain = explainsItself,
    clock = systemClock,
    logger = silentLogger,
  } = options
  const { name, facts, methods } = format
  const bounded = (maxAge ?? maxFuture) !== undefined
  const window: Window = bounded
    ? {
        maxAgeMs: maxAge ?? format.window?.maxAgeMs ?? FIVE_MINUTES,
        maxFutureMs: maxFuture ?? format.window?.maxFutureMs ?? FIVE_MINUTES,
      }
    : format.window
  // A request could be replayed for as long as its time is good.
  const keepMs = Math.max(options.keepMs ?? 604_800_000, window ? window.maxAgeMs + window.maxFutureMs : 0)
  const answers = {
    ...contract?.answers,
    ...(onInvalidPayload === 'acknowledge' && { payload_invalid: RECEIVED }),
    ...options.answers,
  }
  const crypto = (format.crypto ?? platform)()
  const handlers = new Map<string, Handler>()
  let started = false

  const spans = [leaseMs, keepMs, window ? window.maxAgeMs + 1 : 1, window ? window.maxFutureMs + 1 : 1]
  if (!spans.every((ms) => ms > 0 && ms < Infinity)) invalid('times are in milliseconds')
  if (bounded && facts.sentAt !== 'signed') invalid('the format signs no time to bound')
  if (transaction && !store) invalid('transaction needs idempotency')
  if ((store || inbox) && !idempotencyKey && facts.id === 'absent') {
    throw new ConfigurationError('idempotency_key_needed', `${name} has no id on the wire to tell a retry by`)
  }

  const keySets = (given: unknown): readonly KeySet[] => {
    const secrets = Array.isArray(given) && given.length > 0 ? given : [given]
    if (secrets.length > 4) invalid('there are more than 4 secrets')
    // After the first, a place may be empty: the variable of an old secret is set during a rotation alone.
    return secrets.flatMap((one, i) =>
      i > 0 && one === undefined ? [] : { keyId: `${i}`, keys: format.keys(one, 'verify') },
    )
  }
  const secretsOf = async (raw: RawRequest) => (typeof secret === 'function' ? secret(raw) : secret)
  const fixed = typeof secret === 'function' ? undefined : keySets(secret)
  const setsOf = async (raw: RawRequest) => fixed ?? keySets(await secretsOf(raw))

  const prove = async (request: ReceivedRequest): Promise<LazyMessage> => {
    const { method = 'POST', url = '', body } = request
    checkMethod(format, method)
    const headers = headerBag(request.headers)
    const read = typeof body === 'function' ? await body().catch(refuseUnread) : body
    const raw = { method, url, headers, body: checkBody(read, headers, maxBodyBytes) }
    try {
      const sets = fixed ?? (await setsOf(raw))
      const keyId = proveRequest(format, sets, raw, clock, crypto, window)
      return new LazyMessage(format, raw, typeof keyId === 'string' ? keyId : await keyId)
    } catch (error) {
      if (explain && (error as { code?: unknown })?.code === 'signature_mismatch') {
        const secrets = await secretsOf(raw)
        await explain({ format, raw, secrets, crypto, logger: options.logger }).catch(() => {})
      }
      throw error
    }
  }

  const handlerOf = (type: string) =>
    (!events || events.get(type) ? handlerFor(handlers, type) : undefined) ?? handlers.get(UNKNOWN)

  /** The work of a message that has a handler. @throws PayloadError `payload_invalid` */
  const prepare = async ({ content, keyId, integrity, body }: LazyMessage, handler: Handler): Promise<Work> => {
    const { type, id, sentAt } = content
    const data = events && handler !== handlers.get(UNKNOWN) ? await events.parse(type, content.data) : content.data
    const context = { id, timestamp: sentAt, keyId, rawBody: body, log: logger }
    return (given) => handler({ ...content, data, keyId, integrity, body }, { ...context, ...given } as never)
  }

  const dictated = async ({ raw, content }: LazyMessage, outcome?: string): Promise<Reply | undefined> => {
    if (!format.reply) return undefined
    const keys = (await setsOf(raw)).flatMap((set) => set.keys)
    return format.reply({ request: raw, content, outcome, keys }, crypto)
  }

  const run = async (message: LazyMessage, request: ReceivedRequest): Promise<Run> => {
    const { raw, content } = message
    const reply = await dictated(message)
    if (reply) return { outcome: 'challenge', reply }
    const handler = handlerOf(content.type)
    if (!handler) return { outcome: 'unknown_event' }
    const work = background ? undefined : await prepare(message, handler)
    if (work && !store) {
      const { signal } = new AbortController()
      return runWork(work, { attempt: content.attempt ?? 1, signal, extendLease: async () => true })
    }
    const own = idempotencyKey ? idempotencyKey(message) : content.id
    const space = typeof source === 'function' ? source(raw) : source
    const isSigned = idempotencyKey || facts.id === 'signed'
    const { key, digest } = await dedupeKeys(format, raw, own, !!isSigned, space, crypto)
    if (!work || !store) return (background as Background).accept({ key, digest, message, request })
    const kept = digest ? (await import('./replayed-bytes.ts')).withoutReplay(store, digest) : store
    const memory: Memory = { store: kept, key, leaseMs, keepMs, clock }
    if (!transaction) return runOnce(memory, work)
    return (await import('./transaction.ts')).runInTransaction(memory, work, transaction)
  }

  const handle = async (request: ReceivedRequest): Promise<HandledRequest> => {
    started = true
    const from = clock.monotonic()
    let message: LazyMessage | undefined
    let ran: Run
    let reply: Reply | undefined
    try {
      message = await prove(request)
      ran = await run(message, request)
      reply = ran.reply ?? (await dictated(message, ran.outcome))
    } catch (error) {
      // What is no error of ours comes from one of the host's functions.
      ran = { outcome: error instanceof HooksError ? error.code : 'handler_failed', error }
    }
    const { outcome, retryInMs = leaseMs } = ran
    const answer = respond(outcome, answers, reply, {
      ...(outcome === 'method_not_allowed' && { allow: methods.join(', ') }),
      ...(/^(in_progress|retry_later)$/.test(outcome) && { 'retry-after': `${Math.ceil(retryInMs / 1000) || 1}` }),
    })
    report(ran, message, answer.status, from)
    return answer
  }

  const report = (ran: Run, message: LazyMessage | undefined, status: number, from: Ms) => {
    const { outcome: code } = ran
    const { type, id } = message?.parsed ?? {}
    const level = 'error' in ran ? (status < 500 || code === 'retry_later' ? 'warn' : 'error') : 'info'
    quietly(() => {
      if (level !== 'info' || code === 'unknown_event') {
        logger[level]({ code, type, id, err: ran.error }, `webhook: ${code}`)
      }
    })
    quietly(() => onOutcome?.({ code, type, id, keyId: message?.keyId, ms: clock.monotonic() - from }))
  }

  const on = (type: string, handler: Handler) => {
    if (started) throw new ConfigurationError('handler_late')
    if (handlers.has(type)) throw new ConfigurationError('handler_duplicate', `"${type}" has a handler`)
    if (type !== UNKNOWN && events?.covers(type) === false) {
      throw new ConfigurationError('event_type_invalid', `"${type}" is not in the catalog`)
    }
    handlers.set(type, handler)
    return receiver
  }
  if (onUnknown) handlers.set(UNKNOWN, onUnknown)

  const background = inbox?.({ format, keepMs, answers, clock, logger, handlerOf, prepare, report })
  const receiver: Receiver = Object.assign(
    {
      maxBodyBytes,
      on: on as Receiver['on'],
      onUnknown: (handler: Handler) => on(UNKNOWN, handler),
      eventTypes: () => [...handlers.keys()].filter((type) => type !== UNKNOWN),
      verify: prove as (request: ReceivedRequest) => Promise<VerifiedMessage>,
      handle,
      async fetch(request: Request) {
        const { method, url, headers } = request
        const answer = await handle({ method, url, headers, body: () => readBody(request, maxBodyBytes) })
        return new Response(answer.body || null, answer)
      },
      async check(request?: Partial<RawRequest>) {
        await setsOf({ method: 'POST', url: '', headers: headerBag([]), body: new Uint8Array(), ...request })
      },
    },
    background?.controls,
  )
  return receiver
}

function invalid(what: string): never {
  throw new ConfigurationError('option_invalid', what)
}

/** A log that is full, or a metric that fails, keeps no sender waiting. */
function quietly(tell: () => void) {
  try {
    tell()
  } catch {
    // Nobody is left to be told.
  }
}
