import { PayloadError } from './errors.ts'
import type { OutgoingDelivery } from './format.ts'
import { type BodyPart, type HeaderValuePart, isPart, type Part, readStamp, writeStamp } from './parts.ts'

/** A literal in a body. */
type Literal = string | number | boolean | null

/**
 * A body, field by field; the order is the order on the wire. Under the key `'...'`, `part.data` is spread:
 * `{ event: part.type, '...': part.data }` is the flat payload `{"event":"paid","amount":100}`.
 */
export type BodyTemplate = Fields & NoPart

interface Fields {
  readonly [field: string]: BodyPart | Literal | BodyTemplate
}

/** No text: a part that does not belong into a body would pass for a template. Apart, for compilers to which optional is undefined too. */
interface NoPart {
  readonly part?: BodyPart | Exclude<Literal, string> | BodyTemplate
}

const SPREAD = '...'

/** A part of a template, and where it stands. */
interface Place {
  readonly path: readonly string[]
  readonly part: BodyPart
}

const isBodyPart = (value: BodyPart | BodyTemplate): value is BodyPart => typeof (value as Part).part === 'string'

/** Every part of a template. */
export function places(template: BodyTemplate, path: readonly string[] = []): Place[] {
  return Object.entries(template).flatMap(([field, value]) => {
    if (typeof value !== 'object' || value === null) return []
    return isBodyPart(value) ? [{ path: [...path, field], part: value }] : places(value, [...path, field])
  })
}

// --- out

/** What a part stands for in a delivery, as text. */
export function partText(part: BodyPart | HeaderValuePart, { message, endpoint, delivery }: OutgoingDelivery): string {
  switch (part.part) {
    case 'messageId':
      return message.id
    case 'deliveryId':
      return delivery.id
    case 'endpointId':
      return endpoint.id
    case 'tenant':
      return message.tenant
    case 'type':
      return message.type
    case 'occurredAt':
      return writeStamp(message.occurredAt, part.stamp)
    default:
      return message.data
  }
}

/** A time in Unix form is a number in a body. */
const isNumber = (part: BodyPart) => part.part === 'occurredAt' && part.stamp.startsWith('unix')

/** The body as JSON text: what `JSON.stringify` gives for the whole, so that a consumer who parses and writes it again gets the same. */
export function writeBody(template: BodyTemplate, delivery: OutgoingDelivery): string {
  // Spread data can hold keys that JSON.stringify moves to the front, so it goes through an object.
  return hasSpread(template) ? JSON.stringify(fillBody(template, delivery)) : write(template, delivery)
}

const hasSpread = (template: BodyTemplate) => places(template).some(({ path }) => path.includes(SPREAD))

/** Without parsing the data again. */
function write(template: BodyTemplate, delivery: OutgoingDelivery): string {
  const fields = Object.entries(template).map(([field, value]) => {
    const key = `${JSON.stringify(field)}:`
    if (typeof value !== 'object' || value === null) return key + JSON.stringify(value)
    if (!isBodyPart(value)) return key + write(value, delivery)
    const text = partText(value, delivery)
    return key + (value.part === 'data' || isNumber(value) ? text : JSON.stringify(text))
  })
  return `{${fields.join(',')}}`
}

/** The body as an object: for flat payloads and codecs other than JSON. */
export function fillBody(template: BodyTemplate, delivery: OutgoingDelivery): Record<string, unknown> {
  const fields = Object.entries(template).flatMap(([field, value]): [string, unknown][] => {
    if (typeof value !== 'object' || value === null) return [[field, value]]
    if (!isBodyPart(value)) return [[field, fillBody(value, delivery)]]
    const text = partText(value, delivery)
    const filled = value.part === 'data' ? JSON.parse(text) : isNumber(value) ? Number(text) : text
    return field === SPREAD ? Object.entries(filled) : [[field, filled]]
  })
  return Object.fromEntries(fields)
}

const BODY_PARTS = ['messageId', 'deliveryId', 'endpointId', 'tenant', 'type', 'occurredAt', 'data']

/** Finds what the types refuse, for descriptions that no compiler has seen: no literal, no part of bodies, no data to spread. */
export function checkTemplate(template: BodyTemplate, invalid: (what: string, hint: string) => never): void {
  for (const [field, value] of Object.entries(template)) {
    const literal = value === null || ['string', 'number', 'boolean'].includes(typeof value)
    const known = literal || BODY_PARTS.some((kind) => isPart(value, kind))
    if (field === SPREAD && !isPart(value, 'data')) invalid("'...' spreads no data", "use part.data under '...'")
    if (known) continue
    if (typeof value === 'object' && !isBodyPart(value)) checkTemplate(value, invalid)
    else invalid(`the body's field "${field}" is neither a literal nor a part of bodies`, 'see `part`')
  }
}

/**
 * Refuses data that a template cannot carry: no object where it is spread, or a field that the template has too.
 *
 * @throws PayloadError `payload_invalid`
 */
export function checkSpread(template: BodyTemplate, type: string, data: unknown): void {
  for (const value of Object.values(template)) {
    if (typeof value === 'object' && value !== null && !isBodyPart(value)) checkSpread(value, type, data)
  }
  if (!(SPREAD in template)) return
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new PayloadError('payload_invalid', `the data of "${type}" must be an object, because its format spreads it`)
  }
  const taken = Object.keys(template).find((field) => field !== SPREAD && Object.hasOwn(data, field))
  if (taken !== undefined) {
    throw new PayloadError(
      'payload_invalid',
      `the data of "${type}" has the field "${taken}", which its format has too`,
    )
  }
}

// --- in

/**
 * The parts that a parsed body holds, by name.
 *
 * @throws PayloadError `payload_invalid` where the body is not an object
 */
export function readBody(template: BodyTemplate, body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new PayloadError('payload_invalid', 'the body is not an object')
  }
  const found: Record<string, unknown> = {}
  for (const { path, part } of places(template)) {
    const value = path.reduce<unknown>((at, step, depth) => {
      if (typeof at !== 'object' || at === null) return undefined
      if (step === SPREAD) return rest(at as Record<string, unknown>, template, path.slice(0, depth))
      return Object.hasOwn(at, step) ? (at as Record<string, unknown>)[step] : undefined
    }, body)
    found[part.part] = part.part === 'data' ? value : readPart(part, value)
  }
  return found
}

/** What a template does not name, beside a spread. */
function rest(value: Record<string, unknown>, template: BodyTemplate, path: readonly string[]): unknown {
  const beside = path.reduce((at, step) => at[step] as BodyTemplate, template)
  return Object.fromEntries(Object.entries(value).filter(([field]) => !Object.hasOwn(beside, field)))
}

/** A part's value from what is on the wire, or undefined where it is not of the form. */
export function readPart(part: BodyPart | HeaderValuePart, value: unknown): unknown {
  if ('stamp' in part) return readStamp(value, part.stamp)
  if (part.part === 'attempt') return /^[1-9]\d{0,8}$/.test(String(value)) ? Number(value) : undefined
  return typeof value === 'string' ? value : undefined
}
