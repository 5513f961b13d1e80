import { type Bytes, joinBytes, parseJson } from '@hooks/core'
import { Refusal } from './refusal.ts'

/** More than any call needs. */
const MOST_BYTES = 262_144

/**
 * The JSON object of a request's body; an empty one where there is no body, as `curl -X POST` sends it.
 *
 * @throws Refusal 413, 415, 400
 */
export async function readFields(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readAll(request)
  if (bytes.length === 0) return {}
  // A form of another site could send JSON as plain text, without its browser asking first.
  if (!/^application\/(\S+\+)?json\b/i.test(request.headers.get('content-type') ?? '')) {
    throw new Refusal(415, 'not_json', 'Send JSON, with "content-type: application/json".')
  }
  const value = parsed(bytes)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Refusal(400, 'not_json', 'The body is not a JSON object.')
}

function parsed(bytes: Bytes): unknown {
  try {
    return parseJson(bytes)
  } catch {
    throw new Refusal(400, 'not_json', 'The body is not JSON.')
  }
}

async function readAll({ body }: Request): Promise<Bytes> {
  const chunks: Bytes[] = []
  let length = 0
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk)
      length += chunk.length
      if (length > MOST_BYTES) break
    }
  } catch {
    throw new Refusal(400, 'body_incomplete', 'The body broke off.')
  }
  if (length > MOST_BYTES) throw new Refusal(413, 'body_too_large', `The body is larger than ${MOST_BYTES} bytes.`)
  return joinBytes(chunks)
}
