import { fromBase64, fromHex, toBase64 } from '../encoding.ts'
import { ConfigurationError, PayloadError } from '../errors.ts'
import { type Content, Key, type OutgoingDelivery, type Proof, type RawRequest, type WireFormat } from '../format.ts'
import { parseJson } from '../json.ts'
import type { Bytes } from '../seams.ts'
import { checkSecretText, toWhsec } from '../secret.ts'
import { isAcknowledged } from './acknowledged.ts'
import { object, typeIn } from './event-body.ts'
import { fieldOf, formFields, isForm, readForm } from './form.ts'

const SIGNATURE = 'x-twilio-signature'
const ID = 'i-twilio-idempotency-token'
const SHORTEST_SECRET = 16

type Params = readonly (readonly [string, string])[]

/**
 * Twilio: `X-Twilio-Signature: <base64>`, an HMAC-SHA1 of the URL and, sorted by name, every parameter of the form, name and
 * value, without anything between; of values that come several times, each once, sorted. The key is the auth token's text. With a
 * `bodySHA256` in the query, as for JSON, the URL alone is signed, and the body is bound by that digest.
 *
 * The URL is the public one, to the letter, as Twilio was given it: tell the adapter what it is (`publicUrl`) behind a proxy. It is
 * tried with and without the standard port, as in Twilio's own libraries. No time is signed, so there is no window. `id` is
 * `I-Twilio-Idempotency-Token`, the same for every attempt, unsigned.
 *
 * `type` is `EventType` or `StatusCallbackEvent` where there is one, else `call.` and the call's status or `message.` and the
 * message's: `call.ringing`, `message.received`; else `request`. `data` holds the parameters, or the JSON.
 *
 * A form that was taken is answered with TwiML that says nothing, `<Response/>`: Twilio logs any other type of content as an
 * error (12300).
 *
 * Source: https://www.twilio.com/docs/usage/security#validating-requests; twilio 6.2.0, `validateRequestWithBody`;
 * https://www.twilio.com/docs/api/errors/15003 for the answer
 */
export function twilio(): WireFormat {
  return {
    name: 'twilio',
    facts: { id: 'unsigned', sentAt: 'absent', body: 'signed', url: 'signed' },
    methods: ['POST', 'GET'],
    window: null,
    signsWith: 'one-key',
    keys,
    newSecret: toWhsec,
    check(_type, data) {
      const flat = Object.values(object(data, 'the data')).every((value) => [value].flat().every(isText))
      if (!flat) throw new PayloadError('payload_invalid', 'a form holds texts, and lists of them')
    },
    compose: (delivery) => ({ body: compose(delivery), contentType: 'application/x-www-form-urlencoded' }),
    seal({ message, endpoint, body }, [key], crypto) {
      const headers = (made: Bytes) => ({ [SIGNATURE]: toBase64(made), [ID]: message.id })
      const made = crypto.sign('hmac-sha1', key as Key, [endpoint.url, digest(readForm(body))])
      return made instanceof Promise ? made.then(headers) : headers(made)
    },
    open({ headers, url, body }) {
      const bytes = fromBase64(headers.one(SIGNATURE))
      const bodyHash = bodyHashIn(url)
      const params = bodyHash === undefined ? digestOf(body) : ''
      const signature: Proof = {
        over: params === undefined ? [] : spellings(url).map((one) => [one, params]),
        given: bytes?.length === 20 ? [{ algorithm: 'hmac-sha1', bytes }] : [],
      }
      if (bodyHash === undefined) return { proofs: [signature] }
      const hash = fromHex(bodyHash)
      const given = hash?.length === 32 ? [{ algorithm: 'sha256' as const, bytes: hash }] : []
      return { proofs: [signature, { over: [[body]], given }] }
    },
    read(request) {
      const id = request.headers.find(ID)
      return { ...readBody(request), ...(id && { id }) }
    },
    reply({ request, outcome }) {
      if (!isAcknowledged(outcome) || bodyHashIn(request.url) !== undefined) return undefined
      return { status: 200, headers: { 'content-type': 'text/xml' }, body: '<Response/>' }
    },
  }
}

function keys(secret: string, use: 'sign' | 'verify'): readonly Key[] {
  checkSecretText(secret)
  const bytes = new TextEncoder().encode(secret)
  if (bytes.length >= SHORTEST_SECRET) return [new Key('hmac-sha1', bytes, use)]
  throw new ConfigurationError('secret_too_short', `a secret of this format holds at least ${SHORTEST_SECRET} bytes`)
}

const isText = (value: unknown) => typeof value === 'string'

/** The parameters as they are signed. */
function digest(params: Params): string {
  return canonical(params)
    .map(([name, values]) => values.map((value) => name + value).join(''))
    .join('')
}

/** Undefined where the body is no form, and so cannot be signed. */
function digestOf(body: Bytes): string | undefined {
  try {
    return digest(readForm(body))
  } catch {
    return undefined
  }
}

/** Names sorted; each name's values sorted, each once: all else could be changed under the same signature. */
function canonical(params: Params): [name: string, values: readonly string[]][] {
  const byName = new Map<string, Set<string>>()
  for (const [name, value] of params) {
    const values = byName.get(name)
    if (values) values.add(value)
    else byName.set(name, new Set([value]))
  }
  return [...byName.keys()].sort().map((name) => [name, [...(byName.get(name) ?? [])].sort()])
}

function bodyHashIn(url: string): string | undefined {
  const [, query] = /\?([^#]*)/.exec(url) ?? []
  try {
    return query === undefined ? undefined : fieldOf(readForm(query), 'bodySHA256')
  } catch {
    return undefined
  }
}

/**
 * The URL to the letter, and with the standard port left out or put in: proxies and Twilio's products do either. An apostrophe of
 * its query may be signed as a URL's parser writes it, `%27`.
 */
function spellings(url: string): readonly string[] {
  const [, start = '', host = '', port = '', rest = ''] =
    /^(https?:\/\/(?:[^/?#@]*@)?)(\[[^\]]*\]|[^/?#:]*)(:\d*)?(.*)$/is.exec(url) ?? []
  if (!start) return [url]
  const standard = /^https/i.test(start) ? ':443' : ':80'
  const all = [url, start + host + rest, start + host + (port || standard) + rest]
  const parsed = all.map((one) => one.replace(/\?.*/s, (query) => query.replaceAll("'", '%27')))
  return [...new Set([...all, ...parsed])]
}

function readBody({ url, body }: RawRequest): Content {
  if (body.length > 0 && bodyHashIn(url) !== undefined && !isForm(body)) {
    const data = parseJson(body)
    if (Array.isArray(data)) return { type: 'events', data }
    return { type: typeOf(object(data, 'the body') as Record<string, unknown>), data }
  }
  const [, query = ''] = /\?([^#]*)/.exec(url) ?? []
  const params = canonical(readForm(body.length > 0 ? body : query))
  const data = formFields(params.map(([name, values]) => [name, values.length > 1 ? values : values[0]] as const))
  return { type: typeOf(data), data }
}

function typeOf(data: Readonly<Record<string, unknown>>): string {
  const named = data.EventType ?? data.StatusCallbackEvent ?? data.type
  if (named !== undefined) return typeIn(named)
  if (data.CallStatus !== undefined) return `call.${data.CallStatus}`
  if (data.MessageSid !== undefined) return `message.${data.MessageStatus ?? data.SmsStatus ?? 'received'}`
  return 'request'
}

function compose({ message }: OutgoingDelivery): string {
  const [, kind, status] = /^(call|message)\.(.+)$/s.exec(message.type) ?? []
  const fields: Record<string, string | readonly string[] | undefined> =
    kind === 'call'
      ? { CallSid: message.id, CallStatus: status }
      : kind === 'message'
        ? { MessageSid: message.id, MessageStatus: status }
        : { EventType: message.type }
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...fields, ...JSON.parse(message.data) })) {
    for (const one of [value].flat()) form.append(name, String(one))
  }
  return form.toString()
}
