import type { BodyPart, EventType, Part, WireBody, WireDescription } from '@hooks/core'
import { inlined } from './inlined.ts'
import type { JsonSchema } from './json-schema.ts'

/** The schema of an event's data as its schema library writes it, a document of its own; undefined where it writes none. */
export function ownSchema({ schema }: EventType): JsonSchema | undefined {
  return schema?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' })
}

/** The schema of an event's data, to stand within another document; any JSON where there is none. */
export function dataSchema(event: EventType): JsonSchema {
  const { $schema: _, ...own } = ownSchema(event) ?? {}
  return inlined(own)
}

/** The schema of the body that carries an event. Values that are the same in every request are constants. */
export function bodySchema(event: EventType, { body }: WireDescription): JsonSchema {
  return isPart(body) ? dataSchema(event) : objectSchema(body, event)
}

const SPREAD = '...'

function objectSchema(body: WireBody, event: EventType): JsonSchema {
  const fields = Object.entries(body).filter(([name]) => name !== SPREAD)
  const own: JsonSchema = {
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, value]) => [name, valueSchema(value, event)])),
    required: fields.map(([name]) => name),
  }
  return SPREAD in body ? { allOf: [own, openly(dataSchema(event))] } : own
}

const OF_SEVERAL = ['allOf', 'anyOf', 'oneOf']

/** Data that is spread has neighbours: a schema that allows no other fields, be it one of several, would refuse them. */
function openly({ additionalProperties: _, ...schema }: JsonSchema): JsonSchema {
  const several = OF_SEVERAL.filter((keyword) => Array.isArray(schema[keyword]))
  return {
    ...schema,
    ...Object.fromEntries(several.map((keyword) => [keyword, (schema[keyword] as readonly JsonSchema[]).map(openly)])),
  }
}

function valueSchema(value: WireBody[string], event: EventType): JsonSchema {
  if (typeof value !== 'object' || value === null) return { const: value }
  return isPart(value) ? partSchema(value, event) : objectSchema(value, event)
}

function partSchema(part: BodyPart, event: EventType): JsonSchema {
  switch (part.part) {
    case 'type':
      return { const: event.type }
    case 'data':
      return dataSchema(event)
    case 'occurredAt':
      return 'stamp' in part && part.stamp.startsWith('unix')
        ? { type: 'integer' }
        : { type: 'string', format: 'date-time' }
    default:
      return { type: 'string' }
  }
}

const isPart = (value: WireBody | Part): value is BodyPart => typeof (value as Part).part === 'string'
