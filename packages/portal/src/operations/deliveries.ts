import type {
  ApiAttempt,
  ApiDelivery,
  ApiDeliveryDetails,
  AttemptRecord,
  DeliveryState,
  DeliveryView,
} from '@hooks/core'
import type { Call, Operation, Outcome } from '../call.ts'
import { idempotencyOf } from '../idempotency.ts'
import { parsed, redacted, redactedText } from '../redact.ts'
import { Refusal } from '../refusal.ts'
import { statistics } from './statistics.ts'

const PAGE_SIZE = 20
const MOST_PER_PAGE = 100

export const listDeliveries: Operation = { needs: 'read', run: (call) => list(call, call.query.text('endpoint', 200)) }

export const endpointDeliveries: Operation = {
  needs: 'read',
  async run(call) {
    await call.hooks.endpoints.get(call.tenant, call.id)
    return list(call, call.id)
  },
}

/** With its attempts, oldest first, the data that was sent, and the request but for its signature. */
export const getDelivery: Operation = {
  needs: 'read',
  async run(call) {
    const { hooks, tenant, id } = call
    const delivery = await hooks.deliveries.get(tenant, id)
    const [attempts, { occurredAt, data, ...request }] = await Promise.all([
      hooks.deliveries.attempts(tenant, id),
      hooks.deliveries.request(tenant, id),
    ])
    const { type } = delivery
    const body = request.body === null ? null : redactedText(call, 'request', type, request.body)
    return [
      200,
      {
        ...deliveryOf(call, delivery),
        occurredAt,
        data: redacted(call, 'data', type, data),
        request: { ...request, body },
        log: attempts.map((attempt) => answerOf(call, type, attempt)),
      } satisfies ApiDeliveryDetails,
    ]
  },
}

export const resendDelivery: Operation = {
  needs: 'attempt:create',
  run: async (call) => [
    202,
    shown(call, await call.hooks.deliveries.resend(call.tenant, call.id, idempotencyOf(call))),
  ],
}

export const cancelDelivery: Operation = {
  needs: 'attempt:create',
  run: async (call) => [200, shown(call, await call.hooks.deliveries.cancel(call.tenant, call.id))],
}

async function list(call: Call, endpoint: string | undefined): Promise<Outcome> {
  const { hooks, tenant, query, shape } = call
  const states = statesIn(call)
  const type = query.text('event', 128)
  const since = query.time('since')
  const until = query.time('until')
  const filter = {
    ...(endpoint !== undefined && { endpoint }),
    ...(states && { states }),
    ...(type !== undefined && { types: [type] }),
    ...(since && { since }),
    ...(until && { until }),
  }
  const tally = await statistics(call, endpoint)
  const pageSize = query.count(shape.numbered ? 'pageSize' : 'limit', PAGE_SIZE, MOST_PER_PAGE)
  if (shape.numbered) {
    const page = query.count('page', 1, 1_000_000)
    const offset = (page - 1) * pageSize
    const { data, total = 0 } = await hooks.deliveries.list(tenant, { ...filter, offset, limit: pageSize, total: true })
    const pageCount = Math.ceil(total / pageSize)
    const rows = data.map((one) => shown(call, one)) as readonly ApiDelivery[]
    return [
      200,
      shape.show.deliveries({ data: rows, next: undefined, statistics: tally, page, pageSize, total, pageCount }),
    ]
  }
  const cursor = query.text('cursor')
  const { data, next } = await hooks.deliveries.list(tenant, {
    ...filter,
    limit: pageSize,
    ...(cursor !== undefined && { cursor }),
  })
  const rows = data.map((one) => shown(call, one)) as readonly ApiDelivery[]
  const counts = { page: 1, pageSize, total: tally.total ?? 0, pageCount: Math.ceil((tally.total ?? 0) / pageSize) }
  return [200, shape.show.deliveries({ data: rows, next, statistics: tally, ...counts })]
}

function statesIn({ query, shape }: Call): readonly DeliveryState[] | undefined {
  const words = query.text('status', 200)
  if (words === undefined) return undefined
  return words.split(',').flatMap((word) => {
    const states = shape.statesOf(word)
    if (states) return states
    const name = shape.nameOf('status')
    throw new Refusal(400, 'field_invalid', `"${name}" is one of: ${shape.words.join(', ')}.`, name)
  })
}

const shown = (call: Call, delivery: DeliveryView) => call.shape.show.delivery(deliveryOf(call, delivery))

/** A delivery as an API shows it. */
export function deliveryOf(
  call: Call,
  { tenant: _tenant, variant: _variant, last, ...delivery }: DeliveryView,
): ApiDelivery {
  const { type, state } = delivery
  return { ...delivery, status: call.shape.wordOf(state), last: last && answerOf(call, type, last) }
}

function answerOf(call: Call, type: string, attempt: AttemptRecord): ApiAttempt {
  if (attempt.response === undefined) return { ...attempt, answer: null }
  const response = redactedText(call, 'response', type, attempt.response)
  return { ...attempt, response, answer: parsed(response) }
}
