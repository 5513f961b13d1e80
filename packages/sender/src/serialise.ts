import { PayloadError } from '@hooks/core'

/** What a message's data may hold, as JSON in UTF-8. Standard Webhooks advises less than 20 KB. */
export const LARGEST_PAYLOAD = 256 * 1024

/**
 * Data as JSON text, once and for all attempts. What JSON cannot carry is refused, naming the path: a `Date`
 * would come out as text and a `NaN` as null, and the receiver's schema would never know.
 *
 * @throws PayloadError `payload_not_json`, `payload_too_large`
 */
export function serialise(data: unknown): string {
  checkJson(data, '', new Set())
  const text = JSON.stringify(data)
  if (Buffer.byteLength(text) > LARGEST_PAYLOAD) {
    throw new PayloadError('payload_too_large', `the data is larger than ${LARGEST_PAYLOAD / 1024} KiB`, {
      hint: 'send an id or a link, and let the receiver fetch the rest',
    })
  }
  return text
}

const DEEPEST = 64

function checkJson(value: unknown, path: string, above: Set<object>): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return
    throw notJson(path, `is ${value}`)
  }
  if (typeof value !== 'object') throw notJson(path, `is ${value === undefined ? 'undefined' : `a ${typeof value}`}`)
  if (above.has(value)) throw notJson(path, 'contains itself')
  if (above.size >= DEEPEST) throw notJson(path, `is nested more than ${DEEPEST} deep`)
  above.add(value)
  if (Array.isArray(value)) {
    // By index, so that a hole counts as what it is written as.
    for (let i = 0; i < value.length; i++) checkJson(value[i], join(path, i), above)
  } else {
    checkPlain(value, path)
    for (const key of Object.keys(value)) {
      const inner = (value as Record<string, unknown>)[key]
      // An optional property that is undefined is one that is left out.
      if (inner !== undefined) checkJson(inner, join(path, key), above)
    }
  }
  above.delete(value)
}

function checkPlain(value: object, path: string): void {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw notJson(path, `is a ${prototype.constructor?.name ?? 'class instance'}`)
  }
  // Text made elsewhere (ES2025 JSON.rawJSON) would not survive a consumer who parses and writes it again.
  const { isRawJSON } = JSON as { isRawJSON?: (value: unknown) => boolean }
  if (isRawJSON?.(value)) throw notJson(path, 'is raw JSON text')
}

const join = (path: string, key: string | number) => (path === '' ? String(key) : `${path}.${key}`)

function notJson(path: string, what: string): PayloadError {
  const where = path === '' ? 'the data' : `"${path}"`
  return new PayloadError('payload_not_json', `${where} ${what}, which JSON cannot carry`, {
    hint: 'convert it first: dates with toISOString(), bigints and decimals as strings, maps as objects',
    issues: [{ path, message: what }],
  })
}
