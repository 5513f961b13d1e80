import type { JsonSchema } from './json-schema.ts'

/**
 * A schema that can stand within another document: every reference into itself (`#/$defs/...`, or `#`) is what it points to.
 * Where a schema describes itself, it is anything the second time.
 */
export function inlined(root: JsonSchema): JsonSchema {
  const visit = (value: unknown, above: ReadonlySet<string>): unknown => {
    if (Array.isArray(value)) return value.map((one) => visit(one, above))
    if (typeof value !== 'object' || value === null) return value
    const { $ref: reference, $defs: _, ...own } = value as JsonSchema
    const rest = Object.fromEntries(Object.entries(own).map(([name, one]) => [name, visit(one, above)]))
    if (typeof reference !== 'string') return rest
    if (above.has(reference)) return rest
    return { ...(visit(pointed(root, reference), new Set([...above, reference])) as JsonSchema), ...rest }
  }
  return visit(root, new Set(['#'])) as JsonSchema
}

/** What a JSON pointer (RFC 6901) in a fragment points to; anything where that is nothing. */
function pointed(root: JsonSchema, reference: string): unknown {
  const steps = reference.replace(/^#\/?/, '').split('/').filter(Boolean)
  const names = steps.map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
  return names.reduce<unknown>((at, name) => (at as JsonSchema | undefined)?.[name], root) ?? {}
}
