import { type DeliveryView, EndpointError, type Job, newId, type Revival, type Seams, type Storage } from '@hooks/core'
import { keyedJobs } from './keyed-job.ts'
import { needs } from './lacks.ts'
import { withStorageRetry } from './storage-retry.ts'

/** What {@link createResend} needs. */
export interface ResendOptions extends Seams {
  readonly storage: Storage
  /** A job was created. */
  readonly created: () => void
}

/** Makes a delivery due now; with a key, once for that. */
export type Resend = (delivery: DeliveryView, idempotencyKey: string | undefined) => Promise<void>

/**
 * Under a key there is a job for it, which only one of several calls creates, and that one makes the delivery due. If it dies
 * in between, whoever works off the job does: see {@link resendOnce}.
 */
export function createResend({ storage, created, ...seams }: ResendOptions): Resend {
  const stored = <T>(call: () => Promise<T>) => withStorageRetry(call, seams)
  const jobs = keyedJobs({ ...seams, storage })
  const revive = ({ tenant, id }: DeliveryView, dryRun = false) =>
    stored(() => storage.revive({ tenant, delivery: id }, 1, undefined, dryRun))

  return async (delivery, idempotencyKey) => {
    if (idempotencyKey === undefined) return checkRevival(await revive(delivery))
    needs(storage, 'jobs')
    needs(storage, 'replay')
    const { id, tenant, endpointId, createdAt } = delivery
    const isSame = ({ params }: Job) => params.delivery === id
    const wanted = { tenant, kind: 'resend', idempotencyKey, isSame }
    const found = await jobs.find(wanted)
    if ('job' in found) return
    checkRevival(await revive(delivery, true))
    const time = createdAt.getTime()
    const params = { endpoint: endpointId, since: time, until: time, types: null, total: { matching: 1, expired: 0 } }
    const by = newId('call_', seams.clock, seams.random)
    const job = await jobs.create(wanted, found.id, { ...params, delivery: id, by })
    if (job.params.by === by) await revive(delivery)
    created()
  }
}

/** Works off the job of a resend: there is something to do where its call ended before it had done it. */
export async function resendOnce(storage: Storage, { tenant, params, createdAt }: Job, due: () => void) {
  const id = params.delivery as string
  const delivery = await storage.history.delivery(tenant, id)
  const isOver = delivery?.finishedAt != null && delivery.finishedAt < createdAt
  if (!isOver) return { sent: delivery ? 1 : 0, expired: 0, left: delivery ? 0 : 1 }
  const { revived, expired, inFlight, blocked } = await storage.revive({ tenant, delivery: id }, 1)
  if (revived > 0) due()
  return { sent: revived, expired, left: inFlight + blocked }
}

/** @throws EndpointError */
function checkRevival({ revived, inFlight, expired }: Revival): void {
  if (inFlight > 0) throw deliveryInFlight()
  if (expired > 0) throw new EndpointError('payload_expired', 'the payload is no longer kept')
  if (revived > 0) return
  throw new EndpointError('endpoint_disabled', 'the endpoint of the delivery is disabled or gone', {
    hint: 'enable it first',
  })
}

export const deliveryInFlight = () =>
  new EndpointError('delivery_in_flight', 'the delivery is being sent', { hint: 'wait for its outcome' })
