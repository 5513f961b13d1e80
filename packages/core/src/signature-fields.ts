import { headerError } from './errors.ts'

/** How a signature header names its fields, as in `t=1492774577,v1=5257a8…`: the attempt's time, and a signature or more. */
export interface SignatureFields {
  /** The name of the time: `t`. */
  readonly sentAt: string
  /** The name of a signature: `v1`. It may be there several times, one for each live secret. */
  readonly signature: string
  /** What stands between fields: `,` by default. White space around fields is skipped. */
  readonly separator?: string
}

/** Enough for a rotation of every kind of key, and a bound on what a stranger can make us compute. */
export const MOST_SIGNATURES = 16
export const LONGEST_SIGNATURES = 4096

/**
 * The values of `name=value` fields, by name, in their order. What is no field is left out, and so are names that
 * nobody asks for: a later version of a scheme may add some.
 *
 * @throws WebhookVerificationError `malformed_header` beyond 4,096 characters, `ambiguous_header`
 */
export function readFields(text: string, header: string, separator = ','): ReadonlyMap<string, readonly string[]> {
  if (text.length > LONGEST_SIGNATURES) throw headerError('malformed_header', header)
  if (separator !== ',' && text.includes(', ')) throw headerError('ambiguous_header', header)
  const fields = new Map<string, string[]>()
  for (const field of text.split(separator)) {
    const at = field.indexOf('=')
    if (at < 1) continue
    const name = field.slice(0, at).trim()
    const values = fields.get(name)
    if (values) values.push(field.slice(at + 1).trim())
    else fields.set(name, [field.slice(at + 1).trim()])
  }
  return fields
}

/** The value of a field that is there once. @throws WebhookVerificationError `malformed_header` */
export function oneField(fields: ReadonlyMap<string, readonly string[]>, name: string, header: string): string {
  const [value, ...others] = fields.get(name) ?? []
  if (value === undefined || others.length > 0) throw headerError('malformed_header', header)
  return value
}
