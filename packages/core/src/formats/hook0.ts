import { fromHex, toHex } from '../encoding.ts'
import { headerError, PayloadError, WebhookVerificationError } from '../errors.ts'
import type { Key, RawRequest, WireFormat } from '../format.ts'
import { hmacFormat } from '../hmac-format.ts'
import { parseJson } from '../json.ts'
import { part, readStamp, writeStamp } from '../parts.ts'
import { oneField, readFields } from '../signature-fields.ts'

const SIGNATURE = 'x-hook0-signature'
const ID = 'x-event-id'
const TYPE = 'x-event-type'
/** Header names in lower case, a space between them: as they are signed. */
const NAMES = /^[!#$%&'*+.^_`|~0-9a-z-]+(?: [!#$%&'*+.^_`|~0-9a-z-]+)*$/
const MOST_NAMES = 32
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Options of {@link hook0}. */
export interface Hook0Options {
  /**
   * Takes requests that have only the older `v0` signature too, of the time and the body: id and type are then not
   * signed. A request with `v1` is judged by that alone, whatever its `v0`. False by default.
   */
  readonly v0?: boolean
}

/**
 * Hook0, and who sends with it, such as Coinbase CDP: `X-Hook0-Signature: t=<unix s>,h=<header names>,v1=<hex>`, an HMAC-SHA256
 * of `t.names.values.body` whose key is the text of the subscription's secret. `h` names headers, in lower case with a space
 * between them, and their values are signed, joined by full stops. Those that are named must be there.
 *
 * Every attempt is stamped anew; five minutes either way are what Hook0's libraries use.
 *
 * `id` is `X-Event-Id` and `type` is `X-Event-Type`. Hook0 signs all of its headers; a request whose signature leaves out its id
 * is refused, and so is an id with a full stop, or one that is no UUID between other values, because the full stops that join
 * them could be moved; one whose signature leaves out its type cannot be read. The body is the event's payload, and is `data`.
 *
 * Source: https://documentation.hook0.com/tutorials/webhook-authentication;
 * https://docs.cdp.coinbase.com/webhooks/verify-signatures, where ids are UUIDs too
 */
export function hook0({ v0 = false }: Hook0Options = {}): WireFormat {
  const format = hmacFormat({
    name: 'hook0',
    secret: 'text',
    body: part.data,
    headers: { [ID]: part.messageId, [TYPE]: part.type },
    signature: { header: SIGNATURE, over: [part.header(ID), part.header(TYPE), part.body] },
  })
  return {
    ...format,
    facts: { id: v0 ? 'unsigned' : 'signed', sentAt: 'signed', body: 'signed', url: 'absent' },
    async seal({ message, sentAt, body }, [key], crypto) {
      const time = writeStamp(sentAt, 'unix')
      const over = [`${time}.${ID} ${TYPE}.${message.id}.${message.type}.`, body]
      const signature = toHex(await crypto.sign('hmac-sha256', key as Key, over))
      return { [ID]: message.id, [TYPE]: message.type, [SIGNATURE]: `t=${time},h=${ID} ${TYPE},v1=${signature}` }
    },
    open(request) {
      const fields = fieldsOf(request)
      const time = oneField(fields, 't', SIGNATURE)
      const sentAt = readStamp(time, 'unix')
      if (!sentAt)
        throw new WebhookVerificationError('malformed_timestamp', `the header ${SIGNATURE} holds no Unix time`)
      const covers = fields.has('v1') || !v0
      const bytes = fromHex(oneField(fields, covers ? 'v1' : 'v0', SIGNATURE))
      const given = bytes?.length === 32 ? [{ algorithm: 'hmac-sha256' as const, bytes }] : []
      const signed = covers ? `${time}.${signedHeaders(request, fields)}.` : `${time}.`
      return { proofs: [{ over: [[signed, request.body]], given }], sentAt }
    },
    read(request) {
      const fields = fieldsOf(request)
      const sentAt = readStamp(fields.get('t')?.[0], 'unix')
      const type = v0 || namesOf(fields).includes(TYPE) ? request.headers.find(TYPE) : undefined
      if (!type) throw new PayloadError('payload_invalid', `the request has no signed ${TYPE}`)
      return { type, data: parseJson(request.body), id: request.headers.one(ID), ...(sentAt && { sentAt }) }
    },
  }
}

type SignatureFields = ReturnType<typeof readFields>

const fieldsOf = ({ headers }: RawRequest) => readFields(headers.one(SIGNATURE), SIGNATURE)
const namesOf = (fields: SignatureFields) => (fields.get('h')?.[0] ?? '').split(' ')

/** The names that are signed, and their values. */
function signedHeaders({ headers }: RawRequest, fields: SignatureFields): string {
  const list = oneField(fields, 'h', SIGNATURE)
  const names = namesOf(fields)
  if (!NAMES.test(list) || names.length > MOST_NAMES || !names.includes(ID))
    throw headerError('malformed_header', SIGNATURE)
  // A full stop stands between values, and in some: an id could come from its neighbours. At an end of the list an id without
  // one is in its place; between others only a UUID is, which all ids of Hook0's are.
  const id = headers.one(ID)
  const isAtEnd = names[0] === ID || names.at(-1) === ID
  if (id.includes('.') || !(isAtEnd || UUID.test(id))) throw headerError('malformed_header', ID)
  return `${list}.${names.map((name) => headers.one(name)).join('.')}`
}
