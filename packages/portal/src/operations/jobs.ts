import type { ApiJob, ApiPage } from '@hooks/core'
import type { ReplayJob, ReplayOptions } from '@hooks/sender'
import type { Call, Operation, Outcome } from '../call.ts'
import { idempotencyOf } from '../idempotency.ts'
import { Refusal } from '../refusal.ts'

/** Sends again what failed or was skipped at an endpoint; with `dryRun` it only counts. */
export const recoverEndpoint: Operation = { needs: 'attempt:create', run: (call) => replay(call, 'recover') }

/** Sends an endpoint what it never got; with `dryRun` it only counts. */
export const replayMissing: Operation = { needs: 'attempt:create', run: (call) => replay(call, 'replayMissing') }

export const listJobs: Operation = {
  needs: 'read',
  async run({ hooks, tenant, query }) {
    const cursor = query.text('cursor')
    const { data, next } = await hooks.jobs.list(tenant, {
      limit: query.count('limit', 50, 250),
      ...(cursor !== undefined && { cursor }),
    })
    return [200, { data: data.map(jobOf), nextCursor: next ?? null } satisfies ApiPage<ApiJob>]
  },
}

export const getJob: Operation = {
  needs: 'read',
  run: async ({ hooks, tenant, id }) => [200, jobOf(await hooks.jobs.get(tenant, id))],
}

export const cancelJob: Operation = {
  needs: 'attempt:create',
  run: async ({ hooks, tenant, id }) => [200, jobOf(await hooks.jobs.cancel(tenant, id))],
}

async function replay(call: Call, kind: 'recover' | 'replayMissing'): Promise<Outcome> {
  const { hooks, tenant, id, body } = call
  body.only(['since', 'until', 'types', 'dryRun', 'tenant'], [])
  const options = replayOptions(call)
  if (body.flag('dryRun')) return [200, await hooks[kind](tenant, id, { ...options, dryRun: true })]
  return [202, jobOf(await hooks[kind](tenant, id, { ...options, ...idempotencyOf(call) }))]
}

/** The stretch of time that is to be sent again, and of which types. @throws Refusal 400 */
export function replayOptions({ body }: Call): ReplayOptions {
  const since = body.time('since')
  const until = body.time('until')
  const types = body.texts('types', 100)
  if (!since) throw new Refusal(400, 'field_missing', '"since" is missing.', 'since')
  return { since, ...(until && { until }), ...(types && { types }) }
}

const jobOf = ({ tenant: _tenant, ...job }: ReplayJob): ApiJob => job
