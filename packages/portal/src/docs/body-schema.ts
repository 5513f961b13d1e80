import type { BodyPart, EventType, Part, WireBody, WireDescription } from '@hooks/core'

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** The schema of an event's data: its own, where its schema library offers one, else any JSON. */
export function dataSchema({ schema }: EventType): JsonSchema {
  const { $schema: _, ...own } = schema?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' }) ?? {}
  return own
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

/** Data that is spread has neighbours: a schema that allows no other fields would refuse them. */
function openly({ additionalProperties: _, ...schema }: JsonSchema): JsonSchema {
  return schema
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
