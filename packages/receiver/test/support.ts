import {
  createReceiver,
  hmacFormat,
  memoryIdempotency,
  part,
  type ReceiverOptions,
  standardWebhooks,
} from '@hooks/receiver'
import * as formats from '@hooks/receiver/formats'
import { type SignedMessage, signRequest, virtualClock } from '@hooks/receiver/testing'

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
export const TEXT_SECRET = 'a secret of text, of 30 letters'

/** Lok'Room: the body alone is signed, and no id and no time that is. */
export const lokroom = hmacFormat({
  name: 'lokroom',
  secret: 'text',
  body: { event: part.type, timestamp: part.occurredAt('isoSeconds'), data: part.data },
  headers: { 'x-lok-event': part.type, 'x-lok-timestamp': part.sentAt('unix') },
  signature: { header: 'x-lok-signature' },
})

/** Grillo: an id that is on the wire, and not signed. */
export const grillo = hmacFormat({
  name: 'grillo',
  secret: 'text',
  body: { event: part.type, data: part.data },
  headers: { 'x-grillo-delivery': part.deliveryId },
  signature: { header: 'x-grillo-signature', prefix: 'sha256=' },
})

/** Audit Trail: time and body are signed, and with the body its id. */
export const auditTrail = hmacFormat({
  name: 'audit-trail',
  secret: 'text',
  body: { id: part.deliveryId, type: part.type, data: part.data },
  headers: { 'x-audit-trail-timestamp': part.sentAt('unix'), 'x-audit-trail-delivery-id': part.deliveryId },
  signature: {
    header: 'x-audit-trail-signature',
    prefix: 'sha256=',
    over: [part.header('x-audit-trail-timestamp'), '.', part.body],
  },
})

/** A static token: it says who sends and nothing of what. */
export const token = hmacFormat({
  name: 'token',
  secret: 'text',
  body: { event: part.type, data: part.data },
  headers: { 'x-id': part.deliveryId },
  signature: { header: 'x-token', token: true },
})

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** What a logger was told. */
export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string | undefined
}

/** A logger that keeps what it is told. */
export function memoryLogger() {
  const lines: Line[] = []
  const log = (level: Line['level']) => (fields: object, message?: string) => {
    lines.push({ level, fields: fields as Line['fields'], message })
  }
  return { lines, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

/** A Standard Webhooks receiver on a clock that stands still, its memory, and honest requests for it. */
export function setUp(options: Partial<ReceiverOptions> = {}) {
  const clock = virtualClock()
  const logger = memoryLogger()
  const idempotency = memoryIdempotency({ clock })
  const receiver = createReceiver({
    secret: SECRET,
    idempotency,
    clock,
    logger,
    explain: false,
    ...options,
  } as ReceiverOptions)
  const request = (message: Partial<SignedMessage> = {}, secret = SECRET) =>
    signRequest(standardWebhooks(), secret, { type: 'booking.created', data: { n: 1 }, clock, ...message })
  return { receiver, clock, logger, idempotency, request }
}

/** The code that a promise is rejected with, or `accepted`. */
export async function codeOf(promised: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof promised === 'function' ? promised() : promised)
    return 'accepted'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** A promise, and how to keep it. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

const TYPES: Readonly<Record<string, string>> = { hubspot: 'events', line: 'events', twilio: 'call.ringing' }

/** Every provider's format of which one secret signs and verifies, with a secret, and a type that it carries. */
export const providers = Object.values(formats)
  .map((make) => make())
  .filter(({ name }) => !['discord', 'sendgrid', 'telnyx'].includes(name))
  .map((format) => ({
    name: format.name,
    format,
    secret: format.newSecret(new Uint8Array(32).fill(7)),
    type: TYPES[format.name] ?? 'booking.created',
  }))
