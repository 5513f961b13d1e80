import type { Contract, EventType } from '@hooks/core'
import { bodySchema } from './body-schema.ts'
import { jsonExample } from './example.ts'
import { describedHeaders } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'
import { schemaNames } from './names.ts'
import { type DocumentInfo, wireOf } from './openapi.ts'
import { english } from './words/english.ts'

/** An AsyncAPI 3.0 document of the webhooks: one channel, one message an event type. */
export function webhooksAsyncApi(contract: Contract, info: DocumentInfo): JsonSchema {
  const wire = wireOf(contract)
  const events = contract.events.all
  const nameOf = schemaNames(events)
  const headers = describedHeaders(wire)
  const message = (event: EventType): JsonSchema => {
    const example = jsonExample(contract, event, wire)
    return {
      name: event.type,
      title: event.type,
      ...(event.description && { summary: event.description }),
      ...(event.deprecated && { description: `${english.deprecated}: ${event.deprecated}` }),
      ...(event.group && { tags: [{ name: event.group }] }),
      contentType: wire.contentType,
      headers: {
        type: 'object',
        properties: Object.fromEntries(headers.map(({ name, description }) => [name, { type: 'string', description }])),
        required: headers.map(({ name }) => name),
      },
      payload: { ...bodySchema(event, wire), ...(event.deprecated && { deprecated: true }) },
      ...(example !== undefined && { examples: [{ payload: example }] }),
    }
  }
  return {
    asyncapi: '3.0.0',
    info,
    defaultContentType: wire.contentType,
    channels: {
      webhooks: {
        address: null,
        description: "The consumer's URL.",
        messages: Object.fromEntries(
          events.map((event) => [nameOf(event), { $ref: `#/components/messages/${nameOf(event)}` }]),
        ),
      },
    },
    operations: {
      sendWebhook: {
        action: 'send',
        channel: { $ref: '#/channels/webhooks' },
        bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
        messages: events.map((event) => ({ $ref: `#/channels/webhooks/messages/${nameOf(event)}` })),
      },
    },
    components: { messages: Object.fromEntries(events.map((event) => [nameOf(event), message(event)])) },
  }
}
