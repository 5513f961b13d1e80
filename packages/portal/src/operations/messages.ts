import type { Operation } from '../call.ts'
import { deliveryOf } from './deliveries.ts'

export const listMessages: Operation = {
  needs: 'read',
  async run({ hooks, tenant, query }) {
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
    return [200, { data, nextCursor: next ?? null }]
  },
}

export const getMessage: Operation = {
  needs: 'read',
  async run(call) {
    const { endpoints, ...message } = await call.hooks.messages.get(call.tenant, call.id)
    const shown = endpoints.map((one) =>
      'delivery' in one ? { ...one, delivery: deliveryOf(call, one.delivery) } : one,
    )
    return [200, { ...message, endpoints: shown }]
  },
}
