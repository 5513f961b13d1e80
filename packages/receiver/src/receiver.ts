import {
  type Answers,
  ConfigurationError,
  type CryptoBackend,
  checkMethod,
  type HandledRequest,
  HooksError,
  headerBag,
  type InboundFormat,
  type KeySet,
  type MaybePromise,
  PayloadError,
  proveRequest,
  type RawRequest,
  type ReceivedRequest,
  type Reply,
  type Segment,
  standardWebhooksInbound,
  systemClock,
  toHex,
  type Window,
} from '@hooks/core'
import type { Background } from './background.ts'
import { checkOptions, invalid } from './check-options.ts'
import { Context } from './context.ts'
import { explainsItself } from './explain-on-demand.ts'
import { type Handler, handlerFor } from './handlers.ts'
import { type Memory, runOnce } from './once.ts'
import type { AnyReceiverOptions } from './options.ts'
import type { Receiver } from './receiver-types.ts'
import { checkBody, type Proved, readBody, refuseUnread, type Seen, type VerifiedMessage } from './request.ts'
import { type Run, runWork, unheld, type Work } from './run.ts'

/** The name of the handler for all that have none: no type is of white space. */
const UNKNOWN = ' '

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
    maxBodyBytes = 2 ** 20,
    onUnknown,
    onOutcome,
    onInvalidPayload,
    source = '',
    explain = explainsItself,
    clock = systemClock,
    logger,
  } = options
  const { name, facts } = format
  const integrity = facts.body === 'signed' ? 'signed' : 'none'
  const window = windowOf(format, options)
  // A request could be replayed for as long as its time is good.
  const keepMs = Math.max(options.keepMs ?? 604_800_000, window ? window.maxAgeMs + window.maxFutureMs : 0)
  const answers: Answers = {
    ...contract?.answers,
    ...(onInvalidPayload === 'acknowledge' && { payload_invalid: [200, { received: true }] as const }),
    ...options.answers,
  }
  const crypto = (format.crypto ?? platform)()
  const handlers = new Map<string, Handler>()
  let started = false

  if (!(leaseMs > 0 && keepMs > 0)) invalid('leaseMs and keepMs are above 0')
  if (transaction && !store) invalid('transaction needs idempotency')
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
  const secretsOf = async (raw: RawRequest) => (typeof secret === 'function' ? secret(raw) : secret)
  const fixed = typeof secret === 'function' ? undefined : keySets(secret)
  const keysOf = async (raw: RawRequest) => fixed ?? keySets(await secretsOf(raw))

  /** Proves a request, and writes down in `seen` how far it came. */
  const prove = async (request: ReceivedRequest, seen: Seen): Promise<void> => {
    const { method = 'POST', url = '', body } = request
    checkMethod(format, method)
    const headers = headerBag(request.headers)
    const read = typeof body === 'function' ? await body().catch(refuseUnread) : body
    const raw = { method, url, headers, body: checkBody(read, headers, maxBodyBytes) }
    seen.raw = raw
    try {
      const keyId = proveRequest(format, fixed ?? (await keysOf(raw)), raw, clock, crypto, window)
      seen.keyId = typeof keyId === 'string' ? keyId : await keyId
    } catch (error) {
      if (explain && (error as { code?: unknown })?.code === 'signature_mismatch') {
        const secrets = await secretsOf(raw)
        await explain({ format, raw, secrets, crypto, logger }).catch(() => {})
      }
      throw error
    }
  }

  const handlerOf = (type: string) =>
    (!events || events.get(type) ? handlerFor(handlers, type) : undefined) ?? handlers.get(UNKNOWN)

  // By hand: a spread costs as much as a verification.
  const messageOf = ({ raw: { body }, keyId, content }: Proved, data = content.data): VerifiedMessage => {
    const { type, id, occurredAt, sentAt, tenant, attempt } = content
    return { type, data, id, occurredAt, sentAt, tenant, attempt, keyId, integrity, body }
  }

  const prepare = (proved: Proved, handler: Handler): MaybePromise<Work> => {
    const { type, data } = proved.content
    const workOn = (checked: unknown): Work => {
      const message = messageOf(proved, checked)
      return (given) => handler(message, new Context(message, given, logger))
    }
    return events && handler !== handlers.get(UNKNOWN) ? events.parse(type, data).then(workOn) : workOn(data)
  }

  const run = async (proved: Proved, request: ReceivedRequest): Promise<Run> => {
    const { raw } = proved
    const content = format.read(raw)
    proved.content = content
    if (format.reply) {
      const reply = await dictated(proved)
      if (reply) return { outcome: 'challenge', reply }
    }
    const handler = handlerOf(content.type)
    if (!handler) return { outcome: 'unknown_event' }
    const prepared = background ? undefined : prepare(proved, handler)
    const work = prepared instanceof Promise ? await prepared : prepared
    if (work && !store) return runWork(work, unheld(content.attempt))
    const id = idempotencyKey ? idempotencyKey(messageOf(proved)) : content.id
    // Two messages without one are not the same.
    if (!id) throw new PayloadError('idempotency_key_invalid', 'the message has no id')
    const space = typeof source === 'function' ? source(raw) : source
    // Hashes: bounded, and no sender can make one that is another's.
    const hash = async (kind: string, over: readonly Segment[]) =>
      toHex(await crypto.sign('sha256', null, [`${space}:${name}:${kind}:`, ...over]))
    const key = await hash('id', [id])
    if (!idempotencyKey && facts.id !== 'signed') replayed ??= await import('./replayed-bytes.ts')
    const digest = await replayed?.digestOf(format, raw, hash)
    if (!work || !store) return (background as Background).accept({ key, digest, proved, request })
    const kept = replayed && digest ? replayed.withoutReplay(store, digest) : store
    const memory: Memory = { store: kept, key, leaseMs, keepMs, clock }
    if (!transaction) return runOnce(memory, work)
    return (await import('./transaction.ts')).runInTransaction(memory, work, transaction)
  }

  /** What the provider dictates: to a challenge while there is no outcome, else to the outcome. */
  const dictated = async ({ raw, keyId, content }: Seen, outcome?: string): Promise<Reply | undefined> => {
    if (!format.reply || !raw) return undefined
    const keys = keyId === undefined ? [] : (await keysOf(raw)).flatMap((set) => set.keys)
    return format.reply({ request: raw, content: content ?? null, outcome, keys }, crypto)
  }

  const handle = async (request: ReceivedRequest): Promise<HandledRequest> => {
    started = true
    const from = onOutcome ? clock.monotonic() : 0
    const seen: Seen = {}
    let ran: Run
    let reply: Reply | undefined
    try {
      await prove(request, seen)
      ran = await run(seen as Proved, request)
      reply = ran.reply ?? (await dictated(seen, ran.outcome))
    } catch (error) {
      // What is no error of ours comes from one of the host's functions.
      const outcome = error instanceof HooksError ? error.code : 'handler_failed'
      ran = { outcome, error }
      if (seen.keyId === undefined) reply = await dictated(seen, outcome).catch(() => undefined)
    }
    const { outcome } = ran
    if (!onOutcome && !reply && !answers[outcome] && /^(handled|duplicate)$/.test(outcome)) {
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"received":true}', outcome }
    }
    // The rest of the answers, and whatever is told of them, is loaded with the first of them.
    answering ??= await import('./respond.ts').catch(() => undefined)
    return answering?.respond(kernel, ran, reply, seen, from) ?? { status: 500, headers: {}, body: '', outcome }
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

  const kernel = { format, answers, onOutcome, leaseMs, keepMs, clock, logger, handlerOf, prepare }
  const background = inbox?.(kernel)
  let answering: Pick<Background, 'respond'> | undefined = background
  // Kept: an import that is done costs as much as many verifications.
  let lazily: typeof import('./message.ts') | undefined
  let replayed: typeof import('./replayed-bytes.ts') | undefined
  const receiver: Receiver = Object.assign(
    {
      maxBodyBytes,
      on: on as Receiver['on'],
      onUnknown: (handler: Handler) => on(UNKNOWN, handler),
      eventTypes: () => [...handlers.keys()].filter((type) => type !== UNKNOWN),
      async verify(request: ReceivedRequest) {
        const seen: Seen = {}
        await prove(request, seen)
        lazily ??= await import('./message.ts')
        return new lazily.LazyMessage(format, seen as Proved, integrity)
      },
      handle,
      async fetch(request: Request) {
        const { method, url, headers } = request
        const answer = await handle({ method, url, headers, body: () => readBody(request, maxBodyBytes) })
        return new Response(answer.body || null, answer)
      },
      async check(request?: Partial<RawRequest>) {
        await keysOf({
          method: 'POST',
          url: '',
          headers: headerBag([]),
          body: new Uint8Array(),
          ...request,
        })
      },
    },
    background?.controls,
  )
  return receiver
}

function windowOf({ window, facts }: InboundFormat, { maxAge, maxFuture }: AnyReceiverOptions): Window {
  if ((maxAge ?? maxFuture) === undefined) return window
  if (facts.sentAt !== 'signed') invalid('the format signs no time')
  const { maxAgeMs, maxFutureMs } = window ?? FIVE_MINUTES
  return { maxAgeMs: maxAge ?? maxAgeMs, maxFutureMs: maxFuture ?? maxFutureMs }
}

const FIVE_MINUTES = { maxAgeMs: 300_000, maxFutureMs: 300_000 }
