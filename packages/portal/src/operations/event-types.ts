import type { ApiEventType, EventType } from '@hooks/core'
import type { Operation } from '../call.ts'
import { dataSchema, ownSchema } from '../docs/body-schema.ts'
import { typeOf } from '../docs/typescript.ts'

export const listEventTypes: Operation = {
  needs: 'read',
  run: async ({ contract, shape }) => [200, shape.show.eventTypes(contract.events.all.map(viewOf))],
}

function viewOf(event: EventType): ApiEventType {
  const { type, description, group, deprecated, example, versions = {} } = event
  const described = ownSchema(event) && dataSchema(event)
  return {
    type,
    description,
    group,
    deprecated,
    example,
    schema: described,
    versions: Object.keys(versions),
    typescript: described === undefined ? undefined : typeOf(described, ''),
  }
}
