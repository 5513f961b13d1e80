/** One field of an event's data, as a table shows it. */
export interface Field {
  /** Such as `guests[].name`. */
  readonly path: string
  readonly kind: string
  readonly required: boolean
  readonly about: string | undefined
}

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly description?: string
}

const DEEPEST = 6

/** The fields of a JSON Schema, depth first; none where it is no object. */
export function fieldsOf(schema: unknown, path = '', depth = 0): readonly Field[] {
  const { properties, required = [], items, anyOf, oneOf } = (schema ?? {}) as Schema
  if (depth > DEEPEST) return []
  if (items) return fieldsOf(items, `${path}[]`, depth + 1)
  if (!properties) return [...(anyOf ?? []), ...(oneOf ?? [])].flatMap((one) => fieldsOf(one, path, depth + 1))
  return Object.entries(properties).flatMap(([name, one]) => {
    const at = path === '' ? name : `${path}.${name}`
    const field = { path: at, kind: kindOf(one), required: required.includes(name), about: one.description }
    return [field, ...fieldsOf(one, at, depth + 1)]
  })
}

function kindOf({ type, items, anyOf, oneOf, enum: choices, const: only, format }: Schema): string {
  if (only !== undefined) return JSON.stringify(only)
  if (choices) return choices.map((one) => JSON.stringify(one)).join(' | ')
  const either = anyOf ?? oneOf
  if (either) return [...new Set(either.map(kindOf))].join(' | ')
  if (type === 'array') return `${items ? kindOf(items) : 'any'}[]`
  const kind = Array.isArray(type) ? type.join(' | ') : ((type as string | undefined) ?? 'any')
  return format ? `${kind} (${format})` : kind
}
