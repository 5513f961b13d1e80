import type { Contract, EventType, WireDescription } from '@hooks/core'
import { describedAnswers } from './answers.ts'
import { bodySchema } from './body-schema.ts'
import { jsonExample } from './example.ts'
import { describedHeaders } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'
import { schemaNames } from './names.ts'

/** Who publishes, for the head of a document. */
export interface DocumentInfo {
  readonly title: string
  /** The catalog's version, such as `1.0.0`. */
  readonly version: string
  readonly description?: string
}

/** An OpenAPI 3.1 document of the webhooks themselves: under `webhooks`, one operation an event type. */
export function webhooksOpenApi(contract: Contract, info: DocumentInfo): JsonSchema {
  const wire = wireOf(contract)
  const events = contract.events.all
  const nameOf = schemaNames(events)
  return {
    openapi: '3.1.0',
    info,
    webhooks: Object.fromEntries(events.map((event) => [event.type, webhookOf(contract, event, wire, nameOf(event))])),
    components: {
      schemas: Object.fromEntries(events.map((event) => [nameOf(event), bodySchema(event, wire)])),
    },
  }
}

function webhookOf(contract: Contract, event: EventType, wire: WireDescription, name: string): JsonSchema {
  const example = jsonExample(contract, event, wire)
  return {
    post: {
      operationId: event.type,
      ...(event.description && { summary: event.description }),
      ...(event.group && { tags: [event.group] }),
      ...(event.deprecated && { deprecated: true, description: event.deprecated }),
      parameters: describedHeaders(wire).map(({ name, description }) => ({
        name,
        in: 'header',
        required: true,
        description,
        schema: { type: 'string' },
      })),
      requestBody: {
        required: true,
        content: {
          [wire.contentType]: {
            schema: { $ref: `#/components/schemas/${name}` },
            ...(example !== undefined && { example }),
          },
        },
      },
      responses: describedAnswers(contract),
    },
  }
}

/** The format's description; of one that has none, the body is its data and nothing is said of headers. */
export function wireOf({ format }: Contract): WireDescription {
  return (
    format.wire ?? {
      contentType: 'application/json',
      body: { part: 'data' },
      headers: [],
      signature: { header: '', algorithm: 'token', encoding: 'hex', prefix: '', over: [], secret: 'text' },
    }
  )
}
