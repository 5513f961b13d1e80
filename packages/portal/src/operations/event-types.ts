import type { ApiEventType, EventType } from '@hooks/core'
import type { Operation } from '../call.ts'

export const listEventTypes: Operation = {
  needs: 'read',
  run: async ({ contract, shape }) => [200, shape.show.eventTypes(contract.events.all.map(viewOf))],
}

function viewOf({ type, description, group, deprecated, example, schema }: EventType): ApiEventType {
  return {
    type,
    description,
    group,
    deprecated,
    example,
    schema: schema?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' }),
  }
}
