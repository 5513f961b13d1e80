import type { ApiEventType, EventType } from '@hooks/core'
import type { Operation } from '../call.ts'
import { typeOf } from '../docs/typescript.ts'

export const listEventTypes: Operation = {
  needs: 'read',
  run: async ({ contract, shape }) => [200, shape.show.eventTypes(contract.events.all.map(viewOf))],
}

function viewOf({ type, description, group, deprecated, example, schema, versions = {} }: EventType): ApiEventType {
  const described = schema?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' })
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
