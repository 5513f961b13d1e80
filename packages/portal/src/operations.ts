import type { ApiOperation } from '@hooks/core'
import { demand } from './access.ts'
import type { Call, Operation, Outcome } from './call.ts'
import {
  cancelDelivery,
  endpointDeliveries,
  getDelivery,
  listDeliveries,
  resendDelivery,
} from './operations/deliveries.ts'
import {
  createEndpoint,
  disableEndpoint,
  enableEndpoint,
  endpointHealth,
  endpointStats,
  getEndpoint,
  listEndpoints,
  listSecrets,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  rotateSecret,
  testEndpoint,
  updateEndpoint,
} from './operations/endpoints.ts'
import { listEventTypes } from './operations/event-types.ts'
import { cancelJob, getJob, listJobs, recoverEndpoint, replayMissing } from './operations/jobs.ts'
import { getMessage, listMessages } from './operations/messages.ts'
import { describeApi } from './operations/openapi.ts'
import { overview, overviewEndpoints, overviewRecover } from './operations/overview.ts'
import { listVerificationCode } from './operations/verification-code.ts'
import { Refusal } from './refusal.ts'

const operations: Readonly<Record<ApiOperation, Operation>> = {
  listEventTypes,
  listEndpoints,
  createEndpoint,
  getEndpoint,
  updateEndpoint,
  removeEndpoint,
  enableEndpoint,
  disableEndpoint,
  rotateSecret,
  testEndpoint,
  endpointDeliveries,
  endpointStats,
  listMessages,
  getMessage,
  listDeliveries,
  getDelivery,
  resendDelivery,
  cancelDelivery,
  listVerificationCode,
  recoverEndpoint,
  replayMissing,
  listJobs,
  getJob,
  cancelJob,
  listSecrets,
  pauseEndpoint,
  resumeEndpoint,
  endpointHealth,
  overview,
  overviewEndpoints,
  overviewRecover,
  describeApi,
}

/** Whether it is of no tenant. */
export const isOfAll = (operation: ApiOperation) => operations[operation].ofAll === true

/** Whether it changes nothing and shows no secret. */
export const isOnlyLooking = (operation: ApiOperation) => operations[operation].needs === 'read'

/** Runs an operation for somebody who may. @throws Refusal, HooksError */
export function runOperation(operation: ApiOperation, call: Call): Promise<Outcome> {
  const { needs, run } = operations[operation]
  if (isOfAll(operation) && call.access.tenants !== 'all')
    throw new Refusal(403, 'forbidden', 'This is for the people who run the sender.')
  demand(call.access, needs)
  return run(call)
}
