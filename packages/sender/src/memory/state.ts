import { type Clock, type Ms, type Selector, StorageError } from '@hooks/core'
import { Heap } from '../heap.ts'
import { Lanes } from './lanes.ts'
import type { Delivery, End, Message, Registered, Tenant } from './records.ts'

/** All that a memory storage keeps. The outbox, the deliveries, the endpoints and the history work on it. */
export interface State {
  readonly tenants: Map<string, Tenant>
  readonly messages: Map<string, Message>
  readonly deliveries: Map<string, Delivery>
  readonly endpoints: Map<string, Registered>
  readonly lanes: Lanes<Delivery>
  /** Messages that are not yet expanded. */
  readonly marks: Heap<Message>
  closed: boolean
  /** The time, of a storage that is open. @throws StorageError `storage_closed` */
  now(): Ms
  /** Does something now, and rejects with what it throws. */
  run<T>(work: (now: Ms) => T): Promise<T>
}

/** The state of a new storage. */
export function createState(clock: Clock): State {
  const state: State = {
    tenants: new Map(),
    messages: new Map(),
    deliveries: new Map(),
    endpoints: new Map(),
    lanes: new Lanes(),
    marks: new Heap((a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.sequence < b.sequence)),
    closed: false,
    now() {
      if (state.closed) throw new StorageError('storage_closed', 'the storage is closed')
      return clock.now().getTime()
    },
    run: async (work) => work(state.now()),
  }
  return state
}

/** A tenant, made where it is new. */
export function tenantOf({ tenants }: State, name: string): Tenant {
  let tenant = tenants.get(name)
  if (tenant === undefined) {
    tenant = { endpoints: new Map(), keys: new Map(), messages: [], deliveries: [] }
    tenants.set(name, tenant)
  }
  return tenant
}

/** What a selector can find, ended ones included, and perhaps more. By id, ascending. */
export function candidates(state: State, { tenant, delivery, message }: Selector): readonly Delivery[] {
  if (delivery !== undefined) return [state.deliveries.get(delivery)].filter((one) => one !== undefined)
  if (message !== undefined) return state.messages.get(message)?.deliveries ?? []
  return state.tenants.get(tenant)?.deliveries ?? []
}

/** Ends a delivery that is in no lane any more. */
export function endDelivery(delivery: Delivery, state: End, reason: string | null, now: Ms): void {
  delivery.end = state
  delivery.reason = reason
  delivery.finishedAt = now
  delivery.claims = 0
  delivery.message.open--
}
