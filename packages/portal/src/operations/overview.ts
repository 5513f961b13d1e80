import { type ApiPage, type ApiRecovered, isHooksError } from '@hooks/core'
import type { EndpointView, ReplayOptions } from '@hooks/sender'
import type { Call, Operation } from '../call.ts'
import { idempotencyOf } from '../idempotency.ts'
import { replayOptions } from './jobs.ts'

/** How the sender is doing: what waits, and for how long. */
export const overview: Operation = {
  needs: 'read',
  ofAll: true,
  run: async ({ hooks }) => [200, await hooks.health()],
}

/** The endpoints of all tenants, and how each is doing. */
export const overviewEndpoints: Operation = {
  needs: 'read',
  ofAll: true,
  async run({ hooks, query }) {
    const cursor = query.text('cursor')
    const { data, next } = await hooks.endpoints.listAll({
      limit: query.count('limit', 50, 250),
      ...(cursor !== undefined && { cursor }),
    })
    return [200, { data: data.map(({ rev: _rev, ...endpoint }) => endpoint), nextCursor: next ?? null }]
  },
}

/**
 * Sends again what failed or was skipped, at the endpoints of all tenants: after an outage of the sender's own. It works
 * off a page of endpoints, with a job for each that missed something; with `dryRun` it only counts.
 */
export const overviewRecover: Operation = {
  needs: 'attempt:create',
  ofAll: true,
  async run(call) {
    const { hooks, body } = call
    body.only(['since', 'until', 'types', 'dryRun', 'limit', 'cursor'], [])
    const options = replayOptions(call)
    const cursor = body.text('cursor')
    const { data, next } = await hooks.endpoints.listAll({
      enabled: true,
      limit: body.count('limit', 25, 100),
      ...(cursor !== undefined && { cursor }),
    })
    const recovered: ApiRecovered[] = []
    for (const endpoint of data) {
      const one = await recoverOne(call, endpoint, options)
      if (one && one.matching > 0) recovered.push(one)
    }
    const page: ApiPage<ApiRecovered> = { data: recovered, nextCursor: next ?? null }
    return [body.flag('dryRun') ? 200 : 202, { ...page, endpoints: data.length }]
  },
}

/** Undefined where the endpoint was disabled or removed meanwhile. */
async function recoverOne(
  call: Call,
  { id, tenant }: EndpointView,
  options: ReplayOptions,
): Promise<ApiRecovered | undefined> {
  const { hooks, body } = call
  try {
    const { matching, expired } = await hooks.recover(tenant, id, { ...options, dryRun: true })
    const one = { tenant, endpointId: id, matching, expired, jobId: null }
    if (body.flag('dryRun') || matching === 0) return one
    const { idempotencyKey } = idempotencyOf(call)
    const key = idempotencyKey === undefined ? {} : { idempotencyKey: `${idempotencyKey} ${id}` }
    return { ...one, jobId: (await hooks.recover(tenant, id, { ...options, ...key })).id }
  } catch (error) {
    if (isHooksError(error, 'endpoint_not_found') || isHooksError(error, 'endpoint_disabled')) return undefined
    throw error
  }
}
