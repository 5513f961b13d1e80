/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>

/** How what may come has become more than what was said, at one place of a body. */
export interface Widening {
  /** Of the field, such as `data.guests[].name`; empty for the whole. */
  readonly path: string
  /** It is there no more; it need not be there; it may be of another kind; a limit is gone or wider. */
  readonly kind: 'gone' | 'optional' | 'kind' | 'limit'
  /** Which kind, or which limit. */
  readonly what?: string
}

/** A schema, and the document within which its references point. */
export interface Side {
  readonly schema: Schema
  readonly root: Schema
}

/**
 * Every way in which a value of `now` may be one that `old` did not describe. None where whoever reads by `old` can read by
 * it still; turned round, it says what has become narrower. Fields beside those that a schema names are nobody's surprise.
 */
export function widenings(old: Side, now: Side, path = '', seen: ReadonlySet<string> = new Set()): readonly Widening[] {
  const pair = `${reference(old)} ${reference(now)}`
  if (seen.has(pair)) return []
  const next = reference(old) || reference(now) ? new Set([...seen, pair]) : seen
  const before = alternatives(old)
  return distinct(
    alternatives(now).flatMap((one) => {
      const fits = before
        .filter((other) => takes(other.schema, one.schema))
        .map((other) => within(other, one, path, next))
      const best = fits.reduce<readonly Widening[] | undefined>(
        (least, each) => (least && least.length <= each.length ? least : each),
        undefined,
      )
      return best ?? [{ path, kind: 'kind', what: nameOf(one.schema) } as const]
    }),
  )
}

/** What a schema allows, apart: each of `anyOf`, each type, each value. */
function alternatives(side: Side): readonly Side[] {
  const { root } = side
  const schema = resolved(side)
  const choices = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined
  if (choices) return choices.flatMap((choice) => alternatives({ root, schema: choice }))
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => ({ root, schema: { const: value } }))
  if (Array.isArray(schema.type)) return schema.type.map((type: unknown) => ({ root, schema: { ...schema, type } }))
  return [{ root, schema }]
}

/** With its reference followed, and its parts in one. */
function resolved({ schema, root }: Side): Schema {
  const target = typeof schema.$ref === 'string' ? pointed(root, schema.$ref) : schema
  const parts = target.allOf as readonly Schema[] | undefined
  if (!parts) return target
  const all = parts.map((part) => resolved({ schema: part, root }))
  return {
    type: 'object',
    properties: Object.assign({}, ...all.map(({ properties }) => properties)),
    required: all.flatMap(requiredOf),
  }
}

function pointed(root: Schema, reference: string): Schema {
  let at: unknown = root
  for (const step of reference.replace(/^#\/?/, '').split('/').filter(Boolean))
    at = (at as Schema | undefined)?.[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')]
  return (at as Schema | undefined) ?? {}
}

const reference = ({ schema }: Side) => (typeof schema.$ref === 'string' ? schema.$ref : '')

/** Whether a value of the one can be one of the other, by its kind. */
function takes(old: Schema, now: Schema): boolean {
  if ('const' in old) return 'const' in now && JSON.stringify(old.const) === JSON.stringify(now.const)
  const [before, after] = [typeOf(old), typeOf(now)]
  return before === undefined || before === after || (before === 'number' && after === 'integer')
}

function typeOf(schema: Schema): string | undefined {
  if (typeof schema.type === 'string') return schema.type
  if (!('const' in schema)) return schema.properties ? 'object' : undefined
  if (schema.const === null) return 'null'
  if (Array.isArray(schema.const)) return 'array'
  return Number.isInteger(schema.const) ? 'integer' : typeof schema.const
}

const nameOf = (schema: Schema) => ('const' in schema ? JSON.stringify(schema.const) : (typeOf(schema) ?? 'anything'))

function within(old: Side, now: Side, path: string, seen: ReadonlySet<string>): readonly Widening[] {
  const deeper = (before: unknown, after: unknown, at: string) =>
    widenings({ root: old.root, schema: schemaOf(before) }, { root: now.root, schema: schemaOf(after) }, at, seen)
  const [before, after] = [propertiesOf(old.schema), propertiesOf(now.schema)]
  const fields = Object.keys(before).flatMap((name): readonly Widening[] => {
    const at = path === '' ? name : `${path}.${name}`
    if (!Object.hasOwn(after, name)) return [{ path: at, kind: 'gone' }]
    const optional = requiredOf(old.schema).includes(name) && !requiredOf(now.schema).includes(name)
    return [...(optional ? [{ path: at, kind: 'optional' } as const] : []), ...deeper(before[name], after[name], at)]
  })
  const [first, last] = [placesOf(old.schema), placesOf(now.schema)]
  const places = Array.from({ length: Math.max(first.length, last.length) }, (_, i): readonly Widening[] => {
    const [one, other] = [first[i] ?? old.schema.items, last[i] ?? now.schema.items]
    if (!isSchema(one)) return []
    return isSchema(other) ? deeper(one, other, `${path}[${i}]`) : [{ path: `${path}[${i}]`, kind: 'gone' }]
  }).flat()
  // Behind the places of a list that has some, nothing comes of which nothing is said.
  const isOver = last.length > 0 && !isSchema(now.schema.items)
  const items = isSchema(old.schema.items) && !isOver ? deeper(old.schema.items, now.schema.items, `${path}[]`) : []
  const { additionalProperties: others } = old.schema
  const entries = isSchema(others) ? deeper(others, now.schema.additionalProperties, `${path}.*`) : []
  const limits = 'const' in now.schema ? [] : LIMITS.filter((limit) => isWider(limit, old.schema, now.schema))
  return [...fields, ...places, ...items, ...entries, ...limits.map((what) => ({ path, kind: 'limit', what }) as const)]
}

const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems']
const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems']
const LIMITS = [...UPPER, ...LOWER, 'format', 'pattern', 'multipleOf']

function isWider(limit: string, old: Schema, now: Schema): boolean {
  const [before, after] = [old[limit], now[limit]]
  if (before === undefined || before === after) return false
  if (typeof before !== 'number' || typeof after !== 'number') return true
  return UPPER.includes(limit) ? after > before : LOWER.includes(limit) ? after < before : true
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null
/** What is not said, or said to be allowed, is anything. */
const schemaOf = (value: unknown): Schema => (isSchema(value) ? value : {})
const propertiesOf = ({ properties }: Schema) => schemaOf(properties)
const placesOf = ({ prefixItems }: Schema) => (Array.isArray(prefixItems) ? (prefixItems as readonly unknown[]) : [])
const requiredOf = ({ required }: Schema) => (Array.isArray(required) ? (required as readonly string[]) : [])

const distinct = (all: readonly Widening[]) => [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
