import type { RawRequest } from '../format.ts'
import { decodeText } from '../json.ts'

const BRACE = 0x7b
const BRACKET = 0x5b

/**
 * Whether the body is a form and not JSON. Its first byte says so, which is signed: the content type is not, and would let
 * whoever replays a request have its body read as something else.
 */
export function isForm({ body }: RawRequest): boolean {
  return body[0] !== BRACE && body[0] !== BRACKET
}

/** The fields of a form, decoded. @throws PayloadError `payload_invalid` where it is not UTF-8 */
export function readForm({ body }: Pick<RawRequest, 'body'>): URLSearchParams {
  return new URLSearchParams(decodeText(body))
}
