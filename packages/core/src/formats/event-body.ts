import { PayloadError } from '../errors.ts'
import { parseJson } from '../json.ts'
import type { Bytes } from '../seams.ts'

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>

/** The body as a JSON object. @throws PayloadError `payload_invalid` */
export function readEvent(body: Bytes): Fields {
  return object(parseJson(body), 'the body')
}

/** @throws PayloadError `payload_invalid` where it is no object */
export function object(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new PayloadError('payload_invalid', `${what} is no object`)
}

/** The event type, where it is one. @throws PayloadError `payload_invalid` */
export function typeIn(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new PayloadError('payload_invalid', 'the request names no event type')
}
