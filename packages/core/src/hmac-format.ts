import {
  type BodyTemplate,
  checkSpread,
  fillBody,
  partText,
  places,
  readBody,
  readPart,
  writeBody,
} from './body-template.ts'
import { fromBase64, fromHex } from './encoding.ts'
import { ConfigurationError, headerError, PayloadError, WebhookVerificationError } from './errors.ts'
import {
  type Algorithm,
  type Carried,
  type Content,
  Key,
  type OutgoingAttempt,
  type RawRequest,
  type Segment,
  type WireFormat,
} from './format.ts'
import { checkHmacFormat, VISIBLE } from './hmac-format-check.ts'
import type { Codec, FieldsSignature, HmacFormatOptions } from './hmac-format-options.ts'
import { decodeText, parseJson } from './json.ts'
import {
  type HeaderPart,
  type HeaderValuePart,
  isPart,
  type Part,
  readStamp,
  type Stamp,
  type StampPart,
  writeStamp,
} from './parts.ts'
import type { Bytes } from './seams.ts'
import { grammarOf, secretBytes, secretText } from './secret-grammar.ts'
import { MOST_SIGNATURES, oneField, readFields } from './signature-fields.ts'
import { signatureText } from './signature-text.ts'
import type { SignatureEncoding, WireBody } from './wire-description.ts'

/** HMAC-SHA512 in hexadecimal: what is longer is decoded for nobody. */
const LONGEST_SIGNATURE = 128
const FIVE_MINUTES = { maxAgeMs: 300_000, maxFutureMs: 300_000 }

/**
 * A format of one's own: a body, some headers, and an HMAC (or a static token) in a header. `facts` follow from
 * the description: a time is fresh only if a signed header carries it, an id deduplicates safely only if the
 * signature covers it.
 *
 * Where no id is on the wire, the sender adds an unsigned `webhook-id` header, which other receivers ignore.
 * A header without `fields` holds one signature: during a rotation the new secret signs alone, and receivers hold both.
 *
 * @throws ConfigurationError `format_invalid`
 * @example
 * hmacFormat({
 *   name: 'audit-trail', secret: 'text',
 *   body: { id: part.deliveryId, type: part.type, timestamp: part.occurredAt('isoSeconds'), data: part.data },
 *   headers: { 'x-audit-trail-timestamp': part.sentAt('unix') },
 *   signature: { header: 'x-audit-trail-signature', prefix: 'sha256=', over: [part.header('x-audit-trail-timestamp'), '.', part.body] },
 * })
 */
export function hmacFormat(options: HmacFormatOptions): WireFormat {
  const { codec } = options
  const { prefix = '' } = options.signature
  const signatureHeader = options.signature.header.toLowerCase()
  const hmac = 'token' in options.signature ? null : options.signature
  const over: FieldsSignature['over'] = hmac ? (hmac.over ?? [part('body')]) : []
  const fields = hmac && 'fields' in hmac ? hmac.fields : undefined
  const fieldStamp = (over.find((one) => isPart(one, 'sentAt')) as StampPart<'sentAt'> | undefined)?.stamp
  const encoding = hmac?.encoding ?? 'hex'
  const algorithm: Algorithm = hmac ? (hmac.algorithm ?? 'hmac-sha256') : 'token'
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => ({ name: name.toLowerCase(), value }))
  const template = isPart(options.body, 'data') ? null : (options.body as BodyTemplate)
  const bodyParts = template ? places(template).map((place) => place.part) : [part('data')]
  checkHmacFormat(options, headers, over, bodyParts, signatureHeader)

  const signs = (kind: string, header?: string) =>
    over.some((one) => isPart(one, kind) && (header === undefined || (one as HeaderPart).header === header))
  const carried = (kind: string): Carried => {
    if (kind === 'sentAt' && fieldStamp) return 'signed'
    const inHeaders = headers.filter(({ value }) => isPart(value, kind))
    const inBody = bodyParts.some((one) => isPart(one, kind))
    if ((inBody && signs('body')) || inHeaders.some(({ name }) => signs('header', name))) return 'signed'
    return inBody || inHeaders.length > 0 ? 'unsigned' : 'absent'
  }
  // Each header part is read from one place: a signed one where there is any, so that it says what `facts` promise.
  const read = headers.filter(({ name, value }) => {
    if (typeof value === 'string') return false
    const rivals = headers.filter((other) => isPart(other.value, value.part))
    const best = rivals.find((other) => signs('header', other.name)) ?? rivals[0]
    const inBody = bodyParts.some((one) => one.part === value.part)
    if (value.part === 'sentAt' && fieldStamp) return false
    return best?.name === name && (!inBody || (!signs('body') && signs('header', name)))
  }) as readonly { readonly name: string; readonly value: HeaderValuePart }[]
  const ids = ['deliveryId', 'messageId']
  const idKind = ids.find((kind) => carried(kind) === 'signed') ?? ids.find((kind) => carried(kind) === 'unsigned')
  const addedId = idKind ? undefined : 'webhook-id'
  // A message without its type or its id is none, however well it is signed.
  const needed = read.filter(({ value }) => value.part === 'type' || value.part === idKind)
  const freshness = headers.find(({ name, value }) => isPart(value, 'sentAt') && signs('header', name))

  type Signed = Pick<RawRequest, 'body' | 'url' | 'method'>
  const signed = (request: Signed, header: (name: string) => string, time: string): Segment[] =>
    over.map((one) => {
      if (typeof one === 'string') return one
      if (one.part === 'header') return header((one as HeaderPart).header)
      return one.part === 'sentAt' ? time : request[one.part as keyof Signed]
    })
  /** The time and the signatures that the header holds. */
  const readSignature = (given: string): { readonly time: string; readonly texts: readonly string[] } => {
    if (!fields) return { time: '', texts: given.startsWith(prefix) ? [given.slice(prefix.length)] : [] }
    const found = readFields(given, signatureHeader, fields.separator)
    const texts = found.get(fields.signature) ?? []
    if (texts.length > MOST_SIGNATURES) throw headerError('malformed_header', signatureHeader)
    return { time: oneField(found, fields.sentAt, signatureHeader), texts }
  }
  const writeSignature = (time: string, made: readonly Bytes[]): string => {
    const texts = made.map((bytes) => (hmac ? encode(bytes, encoding) : decodeText(bytes)))
    if (!fields) return prefix + texts[0]
    const { sentAt, signature, separator = ',' } = fields
    return [`${sentAt}=${time}`, ...texts.map((text) => `${signature}=${text}`)].join(separator)
  }

  return {
    name: options.name,
    facts: {
      id: idKind ? carried(idKind) : 'absent',
      sentAt: carried('sentAt'),
      body: signs('body') ? 'signed' : 'unsigned',
      url: signs('url') ? 'signed' : 'absent',
    },
    methods: ['POST'],
    window: options.window === undefined ? FIVE_MINUTES : options.window,
    signsWith: fields ? 'all-keys' : 'one-key',
    keys(secret, use) {
      const bytes = secretBytes(secret, options.secret)
      if (hmac || VISIBLE.test(secret)) return [new Key(algorithm, bytes, use)]
      throw new ConfigurationError('secret_format', 'a token stands in a header and holds visible ASCII only')
    },
    newSecret: (bytes) => secretText(bytes, grammarOf(options.secret).grammar),
    wire: {
      contentType: codec?.contentType ?? 'application/json',
      body: options.body as WireBody,
      headers: [...headers, ...(addedId ? [{ name: addedId, value: part('messageId') as HeaderValuePart }] : [])],
      signature: {
        header: signatureHeader,
        algorithm: algorithm as 'token',
        encoding,
        prefix,
        over,
        secret: grammarOf(options.secret).grammar,
        ...(fields && { fields }),
      },
    },
    check(type, data) {
      if (options.type !== undefined && type !== options.type) {
        throw new PayloadError('payload_invalid', `the format "${options.name}" carries no type but "${options.type}"`)
      }
      if (template) checkSpread(template, type, data)
      if (codec) checkCodec(codec, type, template ? { data } : data)
    },
    compose(delivery) {
      const contentType = codec?.contentType ?? 'application/json'
      const { data } = delivery.message
      if (codec) return { body: codec.encode(template ? fillBody(template, delivery) : JSON.parse(data)), contentType }
      return { body: template ? writeBody(template, delivery) : data, contentType }
    },
    seal(attempt, keys, crypto) {
      const sealed: Record<string, string> = {}
      for (const { name, value } of headers) sealed[name] = headerText(value, attempt)
      if (addedId) sealed[addedId] = attempt.message.id
      const time = fieldStamp ? writeStamp(attempt.sentAt, fieldStamp) : ''
      const { body, endpoint } = attempt
      const segments = signed({ body, url: endpoint.url, method: 'POST' }, (name) => sealed[name] as string, time)
      const finish = (made: readonly Bytes[]) => {
        sealed[signatureHeader] = writeSignature(time, made)
        return sealed
      }
      const made = (fields ? keys : keys.slice(0, 1)).map((key) => crypto.sign(algorithm, key, segments))
      return made.some((one) => one instanceof Promise) ? Promise.all(made).then(finish) : finish(made as Bytes[])
    },
    open(request) {
      const { headers: received } = request
      const { time, texts } = readSignature(received.one(signatureHeader))
      const segments = signed(request, (name) => visible(received.one(name), name), time)
      const given = texts.flatMap((text) => {
        const bytes = parse(text, hmac ? encoding : null)
        return bytes ? [{ algorithm, bytes }] : []
      })
      const proofs = [{ over: [segments], given }]
      if (fieldStamp) return { proofs, sentAt: freshTime(time, fieldStamp, signatureHeader) }
      if (!freshness) return { proofs }
      const { stamp } = freshness.value as { stamp: 'unix' }
      return { proofs, sentAt: freshTime(received.one(freshness.name), stamp, freshness.name) }
    },
    read(request) {
      for (const { name } of needed) request.headers.one(name)
      const body = decode(request, codec)
      const found = template ? readBody(template, body) : { data: body }
      if (options.reads === 'body') found.data = body
      if (options.type !== undefined) found.type = options.type
      if (fieldStamp) found.sentAt = readStamp(readSignature(request.headers.one(signatureHeader)).time, fieldStamp)
      for (const { name, value } of read) found[value.part] = readPart(value, request.headers.find(name))
      return content(found, idKind, addedId && request.headers.find(addedId))
    },
  }
}

const part = <Kind extends string>(kind: Kind): Part<Kind> => ({ part: kind })

/** Refuses data that the codec cannot write. What it says may quote the data, so it is not passed on. */
function checkCodec(codec: Codec, type: string, body: unknown): void {
  try {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new TypeError()
    codec.encode(body as Record<string, unknown>)
  } catch {
    throw new PayloadError('payload_invalid', `the data of "${type}" cannot be written as ${codec.contentType}`)
  }
}

function visible(value: string, header: string): string {
  if (VISIBLE.test(value)) return value
  throw new WebhookVerificationError('malformed_header', `the header ${header} holds more than visible ASCII`)
}

function freshTime(text: string, stamp: Stamp, header: string): Date {
  const time = readStamp(text, stamp)
  if (time) return time
  throw new WebhookVerificationError('malformed_timestamp', `the header ${header} holds no time of the form "${stamp}"`)
}

function headerText(value: HeaderValuePart | string, attempt: OutgoingAttempt): string {
  if (typeof value === 'string') return value
  if (value.part === 'attempt') return String(attempt.attempt)
  return value.part === 'sentAt' ? writeStamp(attempt.sentAt, value.stamp) : partText(value, attempt)
}

function decode({ body }: RawRequest, codec: Codec | undefined): unknown {
  if (!codec) return parseJson(body)
  const text = decodeText(body)
  try {
    return codec.decode(text)
  } catch {
    throw new PayloadError('payload_invalid', `the body is not ${codec.contentType}`)
  }
}

function content(found: Record<string, unknown>, idKind: string | undefined, addedId: string | undefined): Content {
  const { type, data, occurredAt, sentAt, tenant, attempt } = found
  const id = idKind ? found[idKind] : addedId
  if (typeof type !== 'string') throw new PayloadError('payload_invalid', 'the request names no event type')
  if (idKind && typeof id !== 'string') throw new PayloadError('payload_invalid', 'the request has no id')
  const known = Object.entries({ id, occurredAt, sentAt, tenant, attempt }).filter(([, value]) => value !== undefined)
  return { type, data, ...Object.fromEntries(known) }
}

function encode(bytes: Bytes, encoding: SignatureEncoding): string {
  if (encoding === 'hex') return signatureText(bytes, 'hex')
  const base64 = signatureText(bytes, 'base64')
  return encoding === 'base64' ? base64 : base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** The bytes of a signature's text; a token (no encoding) is its own text. */
function parse(text: string, encoding: SignatureEncoding | null): Bytes | undefined {
  if (encoding && text.length > LONGEST_SIGNATURE) return undefined
  if (!encoding) return new TextEncoder().encode(text)
  if (encoding === 'hex') return fromHex(text)
  if (encoding === 'base64') return fromBase64(text)
  if (/[+/=]/.test(text)) return undefined
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/')
  return fromBase64(base64 + '='.repeat((4 - (base64.length % 4)) % 4))
}
