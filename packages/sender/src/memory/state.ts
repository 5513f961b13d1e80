import { type Clock, type Ms, type Selector, StorageError } from '@hooks/core'
import { Heap } from '../heap.ts'
import { Lanes } from './lanes.ts'
import type { Delivery, Message, Registered, StoredJob, Tenant } from './records.ts'
import { discard, insert } from './sorted.ts'

/** All that a memory storage keeps. The outbox, the deliveries, the endpoints and the history work on it. */
export interface State {
  readonly tenants: Map<string, Tenant>
  readonly messages: Map<string, Message>
  readonly deliveries: Map<string, Delivery>
  readonly endpoints: Map<string, Registered>
  readonly lanes: Lanes<Delivery>
  /** By endpoint and ordering key: the open deliveries that have an order, in it. */
  readonly chains: Map<string, Delivery[]>
  readonly jobs: Map<string, StoredJob>
  /** Messages that are not yet expanded. */
  readonly marks: Heap<Message>
  /** Those of them that have an ordering key, by tenant and key, in the order in which they were put. */
  readonly orderedMarks: Map<string, Message[]>
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
    chains: new Map(),
    jobs: new Map(),
    marks: new Heap((a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.sequence < b.sequence)),
    orderedMarks: new Map(),
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

const markName = ({ stored }: Message) => `${stored.tenant} ${stored.orderingKey}`

/** Marks a message as not yet expanded. */
export function mark(state: State, message: Message): void {
  state.marks.push(message)
  if (message.stored.orderingKey === undefined) return
  const name = markName(message)
  const others = state.orderedMarks.get(name)
  if (others) others.push(message)
  else state.orderedMarks.set(name, [message])
}

/** Takes the mark off a message. Returns whether it had one. */
export function unmark(state: State, message: Message): boolean {
  const marked = state.marks.delete(message)
  const name = markName(message)
  const others = state.orderedMarks.get(name)
  if (others && discard(others, new Set([message])) === 0) state.orderedMarks.delete(name)
  return marked
}

/** Whether a mark of an earlier message with the same ordering key, not one of `along`, keeps a message back. */
export function keptBack(state: State, message: Message, along: ReadonlySet<Message>): boolean {
  if (message.stored.orderingKey === undefined) return false
  const others = state.orderedMarks.get(markName(message)) ?? []
  const first = others.find((other) => !along.has(other))
  return first !== undefined && first.sequence < message.sequence
}

/** Registers a new delivery with its message and its tenant. */
export function insertDelivery(state: State, delivery: Delivery): void {
  const { message } = delivery
  state.deliveries.set(delivery.id, delivery)
  insert(tenantOf(state, message.stored.tenant).deliveries, delivery)
  insert(message.deliveries, delivery)
  message.open++
}
