import type { Contract, EventType, WireDescription } from '@hooks/core'

/** When everything in examples happens: a fixed time, so that the same catalog gives the same pages. */
export const EXAMPLE_TIME = new Date('2024-01-15T10:30:00Z')

/** The body that carries the example of an event type, as the wire has it; undefined where it has no example. */
export function exampleBody({ format, ids }: Contract, { type, example }: EventType): string | undefined {
  if (example === undefined) return undefined
  const { body } = format.compose({
    message: {
      id: `${ids.message}abc123`,
      type,
      occurredAt: EXAMPLE_TIME,
      tenant: 'tenant_123',
      data: JSON.stringify(example),
    },
    endpoint: { id: `${ids.endpoint}abc123`, url: 'https://example.com/webhooks' },
    delivery: { id: `${ids.delivery}abc123` },
  })
  return typeof body === 'string' ? body : new TextDecoder().decode(body)
}

/** That body as its value; undefined where it has no example, or is no JSON. */
export function jsonExample(contract: Contract, event: EventType, { contentType }: WireDescription): unknown {
  const text = contentType === 'application/json' ? exampleBody(contract, event) : undefined
  return text === undefined ? undefined : JSON.parse(text)
}
