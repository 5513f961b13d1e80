import type { MessageView } from '@hooks/sender'
import type { Call, Operation } from '../call.ts'
import { redacted } from '../redact.ts'
import { deliveryOf } from './deliveries.ts'

export const listMessages: Operation = {
  needs: 'read',
  async run(call) {
    const { hooks, tenant, query } = call
    const cursor = query.text('cursor')
    const type = query.text('event', 128)
    const since = query.time('since')
    const until = query.time('until')
    const { data, next } = await hooks.messages.list(tenant, {
      limit: query.count('limit', 50, 250),
      ...(cursor !== undefined && { cursor }),
      ...(type !== undefined && { types: [type] }),
      ...(since && { since }),
      ...(until && { until }),
    })
    return [200, { data: data.map((message) => shown(call, message)), nextCursor: next ?? null }]
  },
}

export const getMessage: Operation = {
  needs: 'read',
  async run(call) {
    const { endpoints, ...message } = await call.hooks.messages.get(call.tenant, call.id)
    const at = endpoints.map((one) => ('delivery' in one ? { ...one, delivery: deliveryOf(call, one.delivery) } : one))
    return [200, { ...shown(call, message), endpoints: at }]
  },
}

const shown = <M extends MessageView>(call: Call, message: M): M => ({
  ...message,
  data: redacted(call, 'data', message.type, message.data),
})
