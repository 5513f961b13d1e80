import {
  type Answers,
  ConfigurationError,
  type CryptoBackend,
  checkMethod,
  type HandledRequest,
  headerBag,
  type KeySet,
  type MaybePromise,
  PayloadError,
  proveRequest,
  type RawRequest,
  type ReceivedRequest,
  standardWebhooksInbound,
  systemClock,
  toHex,
} from '@hooks/core'
import { after } from './after.ts'
import type { Background } from './background.ts'
import { checkOptions } from './check-options.ts'
import { Context } from './context.ts'
import { type Handler, handlerFor } from './handlers.ts'
import { invalid } from './invalid.ts'
import { type Memory, runOnce } from './once.ts'
import type { AnyReceiverOptions } from './options.ts'
import type { Receiver } from './receiver-types.ts'
import { checkBody, type Proved, readBody, refuseUnread, type Seen, type VerifiedMessage } from './request.ts'
import { failed, type Run, runWork, unheld, type Work } from './run.ts'
import type { SecretFunction } from './secrets.ts'

/** The name of the handler for all that have none: no type is of white space. */
const UNKNOWN = ' '

/** Either way, where a format that signs a time has no window of its own. */
const FIVE_MINUTES = 300_000

/** A receiver on a platform's cryptography. */
export function receiverOn(platform: () => CryptoBackend, options: AnyReceiverOptions): Receiver {
  checkOptions(options)
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
    clock = systemClock,
    logger,
  } = options
  const { name, facts } = format
  const integrity = facts.body === 'signed' ? 'signed' : 'none'
  if ((maxAge ?? maxFuture) !== undefined && facts.sentAt !== 'signed') invalid('the format signs no time')
  const window =
    (maxAge ?? maxFuture) === undefined
      ? format.window
      : {
          maxAgeMs: maxAge ?? format.window?.maxAgeMs ?? FIVE_MINUTES,
          maxFutureMs: maxFuture ?? format.window?.maxFutureMs ?? FIVE_MINUTES,
        }
  // A request could be replayed for as long as its time is good.
  const goodMs = window ? window.maxAgeMs + window.maxFutureMs : 0
  const keepMs = Math.max(options.keepMs ?? 604_800_000, goodMs)
  const answers: Answers = {
    ...contract?.answers,
    ...(onInvalidPayload === 'acknowledge' && { payload_invalid: [200, { received: true }] as const }),
    ...options.answers,
  }
  const crypto = (format.crypto ?? platform)()
  const handlers = new Map<string, Handler>()
  let started = false

  if (!(leaseMs > 0 && keepMs > 0)) invalid('leaseMs and keepMs are above 0')
  if (transaction && !/sync/.test(`${store?.facts.tx}`)) invalid('transaction needs idempotency in its database')
  if ((store || inbox) && !idempotencyKey && facts.id === 'absent') {
    throw new ConfigurationError('idempotency_key_needed', `${name} has no id on the wire to tell a retry by`)
  }

  const keySets = (given: unknown): readonly KeySet[] => {
    const secrets = Array.isArray(given) && given.length > 0 ? given : [given]
    if (secrets.length > 4) invalid('more than 4 secrets')
    // After the first, a place may be empty: the variable of an old secret is set during a rotation alone.
    return secrets.flatMap((one, i) =>
      i > 0 && one === undefined ? [] : { keyId: `${i}`, keys: format.keys(one, 'verify') },
    )
  }
  const fixed = typeof secret === 'function' ? undefined : keySets(secret)
  const keysOf = async (raw: RawRequest) => fixed ?? keySets(await (secret as SecretFunction)(raw))

  /**
   * Proves a request: the id of the secret that fitted. Its bytes are in `seen` from then on, whatever comes of them. It
   * makes no promise where nothing has to be waited for.
   */
  const prove = (request: ReceivedRequest, seen: Seen): MaybePromise<string> => {
    const { method = 'POST', url = '', body } = request
    checkMethod(format, method)
    const headers = headerBag(request.headers)
    return after(typeof body === 'function' ? Promise.resolve(body()).catch(refuseUnread) : body, (read) => {
      const raw = { method, url, headers, body: checkBody(read, headers, maxBodyBytes) }
      seen.raw = raw
      return after(fixed ?? keysOf(raw), (keys) => proveRequest(format, (seen.keys = keys), raw, clock, crypto, window))
    })
  }

  // Kept: an import that is done costs as much as many verifications.
  let loaded: typeof import('./unusual.ts') | undefined
  const unusual = async () => (loaded ??= await import('./unusual.ts'))

  const handlerOf = (type: string) =>
    ((!events || events.get(type)) && handlerFor(handlers, type)) || handlers.get(UNKNOWN)

  // By hand: a spread costs as much as a verification.
  const messageOf = ({ raw: { body }, keyId, content }: Proved, data = content.data): VerifiedMessage => {
    const { type, id, occurredAt, sentAt, tenant, attempt } = content
    return { type, data, id, occurredAt, sentAt, tenant, attempt, keyId, integrity, body }
  }

  const prepare = async (proved: Proved, handler: Handler): Promise<Work> => {
    const { type, data } = proved.content
    const checked = events && handler !== handlers.get(UNKNOWN) ? await events.parse(type, data) : data
    const message = messageOf(proved, checked)
    return (given) => handler(message, new Context(message, given, logger))
  }

  const run = async (proved: Proved, request: ReceivedRequest): Promise<Run> => {
    const { raw } = proved
    const content = format.read(raw)
    proved.content = content
    if (format.reply) {
      const reply = await (await unusual()).dictated(kernel, proved)
      if (reply) return { outcome: 'challenge', reply }
    }
    const handler = handlerOf(content.type)
    if (!handler) return { outcome: 'unknown_event' }
    const work = background ? undefined : await prepare(proved, handler)
    if (work && !store) return runWork(work, unheld(content.attempt))
    const id = idempotencyKey ? idempotencyKey(messageOf(proved)) : content.id
    // Two messages without one are not the same, and all promises are the same text.
    if (idempotencyKey && (!id || typeof id === 'object'))
      throw new PayloadError('idempotency_key_invalid', 'the message has no id')
    // Hashes: bounded, and no sender can make one that is another's.
    const scope = `${typeof source === 'function' ? source(raw) : source}:${name}:`
    // Some messages of a provider have no id where the others do: they are known by what they say, every attempt alike.
    const known = id ? [`${scope}id:${id}`] : [`${scope}body:`, facts.url === 'signed' ? raw.url : '', raw.body]
    const key = toHex(await crypto.sign('sha256', null, known))
    const replayable = !idempotencyKey && facts.id !== 'signed'
    if (!work || !store)
      return (background as Background).accept({ key, proved, request, scope: replayable ? scope : undefined })
    const kept = replayable ? await (await unusual()).withoutReplay(store, kernel, raw, scope) : store
    const memory: Memory = { store: kept, key, leaseMs, keepMs, clock }
    return transaction ? (await unusual()).runInTransaction(memory, work, transaction) : runOnce(memory, work)
  }

  const handle = async (request: ReceivedRequest): Promise<HandledRequest> => {
    started = true
    const from = onOutcome ? clock.monotonic() : 0
    const seen: Seen = {}
    let ran: Run
    try {
      const proving = prove(request, seen)
      seen.keyId = proving instanceof Promise ? await proving : proving
      ran = await run(seen as Proved, request)
    } catch (error) {
      ran = failed(error)
    }
    const { outcome } = ran
    if (!onOutcome && !format.reply && !answers[outcome] && /^(handled|duplicate)$/.test(outcome)) {
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"received":true}', outcome }
    }
    try {
      return await (await unusual()).answer(kernel, ran, seen, from)
    } catch {
      return { status: 500, headers: {}, body: '', outcome }
    }
  }

  const on = (type: string, handler: Handler) => {
    if (started) throw new ConfigurationError('handler_late')
    if (typeof handler !== 'function') invalid(`"${type}" got no function`)
    if (handlers.has(type)) throw new ConfigurationError('handler_duplicate', `"${type}" has a handler`)
    if (type !== UNKNOWN && events?.covers(type) === false) {
      throw new ConfigurationError('event_type_invalid', `"${type}" is not in the catalog`)
    }
    handlers.set(type, handler)
    return receiver
  }
  if (onUnknown) handlers.set(UNKNOWN, onUnknown)

  const kernel = { ...options, format, answers, leaseMs, keepMs, clock, crypto, goodMs, handlerOf, prepare }
  const background = inbox?.(kernel)
  loaded = background?.unusual
  const receiver: Receiver = {
    maxBodyBytes,
    on: on as Receiver['on'],
    onUnknown: (handler: Handler) => on(UNKNOWN, handler),
    eventTypes: () => [...handlers.keys()].filter((type) => type !== UNKNOWN),
    async verify(request: ReceivedRequest) {
      const seen: Seen = {}
      const { explain, LazyMessage } = loaded ?? (await unusual())
      try {
        const proving = prove(request, seen)
        seen.keyId = proving instanceof Promise ? await proving : proving
      } catch (error) {
        await explain(kernel, error, seen)
        throw error
      }
      return new LazyMessage(format, seen as Proved, integrity)
    },
    handle,
    async fetch(request: Request) {
      const { method, url, headers } = request
      const answer = await handle({ method, url, headers, body: () => readBody(request, maxBodyBytes) })
      return new Response(answer.body || null, answer)
    },
    async check(request?: Partial<RawRequest>) {
      await keysOf({ method: 'POST', url: '', headers: headerBag([]), body: new Uint8Array(), ...request })
    },
    ...background?.controls,
  }
  return receiver
}
