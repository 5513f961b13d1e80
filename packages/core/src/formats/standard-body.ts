import { type BodyTemplate, checkSpread, writeBody } from '../body-template.ts'
import type { WireFormat } from '../format.ts'
import { part, readStamp } from '../parts.ts'
import { readEvent, typeIn } from './event-body.ts'

/**
 * The body of those who sign with Standard Webhooks and have an envelope of their own: `data` is all of it, its `type` the type.
 * Id and time come from the headers of that `prefix`.
 */
export function standardBody(prefix: string, type = 'type'): Required<Pick<WireFormat, 'check' | 'compose' | 'read'>> {
  const template: BodyTemplate = { [type]: part.type, timestamp: part.occurredAt('iso'), '...': part.data }
  return {
    check: (name, data) => checkSpread(template, name, data),
    compose: (delivery) => ({ body: writeBody(template, delivery), contentType: 'application/json' }),
    read({ headers, body }) {
      const data = readEvent(body)
      const occurredAt = readStamp(data.timestamp, 'iso')
      return {
        type: typeIn(data[type]),
        data,
        id: headers.one(`${prefix}-id`),
        sentAt: new Date(Number(headers.one(`${prefix}-timestamp`)) * 1000),
        ...(occurredAt && { occurredAt }),
      }
    },
  }
}
