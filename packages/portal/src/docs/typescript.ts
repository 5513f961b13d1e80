import type { EventType, WireDescription } from '@hooks/core'
import { bodySchema } from './body-schema.ts'
import type { JsonSchema } from './json-schema.ts'
import { distinctNames } from './names.ts'

/** TypeScript declarations of every body, for consumers who do not use this library: one type an event, and their union. */
export function typeDeclarations(events: readonly EventType[], wire: WireDescription): string {
  // `a.b` and `a_b` are two types, and would be one name.
  const names = distinctNames(events, typeName, OURS)
  const types = events.map((event) => {
    const about = event.description ? `/** ${event.description.replaceAll('*/', '*\\/')} */\n` : ''
    return `${about}export type ${names.get(event.type)} = ${typeOf(bodySchema(event, wire), '')}\n`
  })
  const union = events.map(({ type }) => `\n  | ${names.get(type)}`).join('')
  return `${types.join('\n')}\n/** Every event. */\nexport type WebhookEvent =${union || ' never'}\n`
}

/** What the declarations name themselves. */
const OURS = ['WebhookEvent', 'Record']

function typeName(type: string): string {
  const words = type.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return /^[A-Z]/.test(name) ? name : `Event${name}`
}

/** A schema as a type. What a type cannot say (a pattern, a range) is left out; what is not understood is `unknown`. */
export function typeOf(schema: unknown, indent: string): string {
  if (typeof schema !== 'object' || schema === null) return 'unknown'
  const { const: constant, enum: values, anyOf, oneOf, allOf, type } = schema as JsonSchema
  if ('const' in schema) return JSON.stringify(constant) ?? 'unknown'
  if (Array.isArray(values)) return values.map((one) => JSON.stringify(one)).join(' | ') || 'never'
  const choices = (anyOf ?? oneOf) as readonly unknown[] | undefined
  if (choices) return choices.map((one) => grouped(typeOf(one, indent))).join(' | ')
  if (Array.isArray(allOf)) return allOf.map((one) => grouped(typeOf(one, indent))).join(' & ')
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one }, indent)).join(' | ')
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type
    case 'number':
    case 'integer':
      return 'number'
    case 'array':
      return arrayOf(schema as JsonSchema, indent)
    case 'object':
      return objectOf(schema as JsonSchema, indent)
    default:
      return 'unknown'
  }
}

function arrayOf({ items, prefixItems }: JsonSchema, indent: string): string {
  if (Array.isArray(prefixItems)) {
    const more = typeof items === 'object' ? [`...${grouped(typeOf(items, indent))}[]`] : []
    return `[${[...prefixItems.map((one) => typeOf(one, indent)), ...more].join(', ')}]`
  }
  return `${grouped(typeOf(items, indent))}[]`
}

function objectOf({ properties = {}, required = [], additionalProperties }: JsonSchema, indent: string): string {
  const inner = `${indent}  `
  const needed = new Set(required as readonly string[])
  const fields = Object.entries(properties as JsonSchema).map(([name, schema]) => {
    const { description } = (typeof schema === 'object' && schema !== null ? schema : {}) as { description?: unknown }
    const about = typeof description === 'string' ? `${inner}/** ${description.replaceAll('*/', '*\\/')} */\n` : ''
    return `${about}${inner}${keyOf(name)}${needed.has(name) ? '' : '?'}: ${typeOf(schema, inner)}\n`
  })
  if (fields.length > 0) return `{\n${fields.join('')}${indent}}`
  const rest = typeof additionalProperties === 'object' ? typeOf(additionalProperties, inner) : 'unknown'
  return `Record<string, ${rest}>`
}

const keyOf = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name))
const grouped = (type: string) => (/ [|&] /.test(type) ? `(${type})` : type)
