import type { JsonSchema } from './json-schema.ts'

/** A field of an event's data. */
export interface Field {
  /** Such as `guests[].name`, or `prices.*.amount` where any name may stand. */
  readonly path: string
  readonly type: string
  /** Whether it is always there, where what holds it is. */
  readonly required: boolean
}

/** The fields of a schema, and those within them: of alternatives all, required where each of them requires it. */
export function fieldsOf(schema: JsonSchema, path = ''): readonly Field[] {
  const all = alternatives(schema)
  const objects = all.filter(({ properties }) => properties !== undefined)
  const names = new Set(objects.flatMap(({ properties }) => Object.keys(properties as JsonSchema)))
  const own = [...names].flatMap((name) => {
    const at = path === '' ? name : `${path}.${name}`
    const holding = objects.filter(({ properties }) => Object.hasOwn(properties as JsonSchema, name))
    const given = holding.map(({ properties }) => (properties as Readonly<Record<string, JsonSchema>>)[name] ?? {})
    const required = objects.every((one) => ((one.required ?? []) as readonly string[]).includes(name))
    const type = [...new Set(given.map(kindOf))].join(' / ')
    return [{ path: at, type, required }, ...given.flatMap((one) => fieldsOf(one, at))]
  })
  const within = all.flatMap(({ items, additionalProperties: others }) => [
    ...(isSchema(items) ? fieldsOf(items, `${path}[]`) : []),
    ...(isSchema(others) ? fieldsOf(others, path === '' ? '*' : `${path}.*`) : []),
  ])
  return [...new Map([...own, ...within].map((field) => [field.path, field])).values()]
}

/** What a value may be, one by one, but for null: its parts in one, and a choice as its choices. */
function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf, oneOf, allOf } = schema
  const choices = anyOf ?? oneOf
  if (Array.isArray(choices)) return (choices as JsonSchema[]).flatMap(alternatives)
  if (!Array.isArray(allOf)) return schema.type === 'null' ? [] : [schema]
  const parts = (allOf as JsonSchema[]).flatMap(alternatives)
  const properties = Object.assign({}, ...parts.map((part) => part.properties))
  return [{ type: 'object', properties, required: parts.flatMap(({ required }) => (required ?? []) as string[]) }]
}

function kindOf(schema: JsonSchema): string {
  const { type, format, enum: values, anyOf, oneOf, allOf, const: constant } = schema
  if (constant !== undefined) return `\`${JSON.stringify(constant)}\``
  if (Array.isArray(values)) return values.map((one) => `\`${JSON.stringify(one)}\``).join(' ')
  const choices = anyOf ?? oneOf
  if (Array.isArray(choices)) return [...new Set((choices as JsonSchema[]).map(kindOf))].join(' / ')
  const kind = Array.isArray(type) ? type.join(' / ') : (type ?? (allOf === undefined ? 'any' : 'object'))
  return [kind, format].filter(Boolean).join(', ')
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null
