import { type BodyTemplate, checkTemplate } from './body-template.ts'
import { ConfigurationError } from './errors.ts'
import type { HmacFormatOptions } from './hmac-format-options.ts'
import { type HeaderPart, isPart, type Part } from './parts.ts'
import { grammarOf } from './secret-grammar.ts'

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** What a header of ours can hold. Other characters are not the same bytes in every HTTP stack. */
export const VISIBLE = /^[\x20-\x7e]*$/
const HEADER_PARTS = ['messageId', 'deliveryId', 'endpointId', 'tenant', 'type', 'attempt', 'occurredAt', 'sentAt']
const SIGNED_PARTS = ['header', 'body', 'url', 'method', 'sentAt']

/** Judges the description of an `hmacFormat`. @throws ConfigurationError `format_invalid` */
export function checkHmacFormat(
  { name, signature, secret, body, type }: HmacFormatOptions,
  headers: readonly { readonly name: string; readonly value: unknown }[],
  over: readonly unknown[],
  bodyParts: readonly Part[],
  signatureHeader: string,
): void {
  const invalid = (what: string, hint: string): never => {
    throw new ConfigurationError('format_invalid', `format "${name}": ${what}`, { hint })
  }
  const names = headers.map((header) => header.name)
  for (const header of [...names, signatureHeader]) {
    if (!HEADER_NAME.test(header)) invalid(`"${header}" is not a header name`, 'use letters, digits and dashes')
  }
  const twice = [...names, signatureHeader].find((header, i, all) => all.indexOf(header) !== i)
  if (twice) invalid(`the header "${twice}" is there twice`, 'give each value, and the signature, a header of its own')
  for (const { name: header, value } of headers) {
    const known = typeof value === 'string' ? VISIBLE.test(value) : HEADER_PARTS.some((kind) => isPart(value, kind))
    if (!known) invalid(`the header "${header}" holds neither visible ASCII nor a part of headers`, 'see `part`')
  }
  if (!VISIBLE.test(signature.prefix ?? '')) invalid('the prefix is not visible ASCII', 'it stands in a header')
  for (const one of over) {
    if (typeof one === 'string') continue
    if (!SIGNED_PARTS.some((kind) => isPart(one, kind))) invalid('it signs what is no part', 'see `part`')
    if (isPart(one, 'sentAt') && !('fields' in signature)) {
      invalid('it signs a time that no field holds', 'name it in `fields`, or sign its header')
    }
    if (!isPart(one, 'header')) continue
    const { header } = one as HeaderPart
    if (!names.includes(header))
      invalid(`it signs the header "${header}", which it does not send`, 'add it to `headers`')
  }
  if ('token' in signature) {
    if (grammarOf(secret).grammar !== 'text') invalid('a token is sent as it is', "use secret: 'text'")
  } else if (!over.some((one) => typeof one !== 'string')) {
    invalid('it signs no part of the request', 'leave out `over` to sign the body')
  }
  const times = over.filter((one) => isPart(one, 'sentAt')).length
  if ('fields' in signature && times !== 1) {
    invalid('it does not sign the time in its signature header', 'put part.sentAt into `over`, once')
  }
  if (!isPart(body, 'data')) checkTemplate(body as BodyTemplate, invalid)
  const carries = (kind: string) =>
    [...headers.map(({ value }) => value), ...bodyParts].some((one) => isPart(one, kind))
  if (!carries('type') && type === undefined) {
    invalid('nothing carries the event type', 'put part.type into the body or a header, or give the one `type`')
  }
  if (!carries('data')) invalid('nothing carries the data', "put part.data into the body, under a field or under '...'")
}
