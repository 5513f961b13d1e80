import {
  type Applied,
  type AttemptRecord,
  type AttemptReport,
  type Capability,
  type DeliveryLease,
  type DeliveryOutcome,
  type DeliveryView,
  type Endpoint,
  type Lane,
  type LeaseRef,
  type MaybePromise,
  type Ms,
  type NewEndpoint,
  type NewMessage,
  newId,
  type Random,
  type Storage,
  type StoredMessage,
} from '@hooks/core'
import { plainEndpoint, plainMessage } from '../plain.ts'
import type { VirtualClock } from '../virtual-clock.ts'

/** The part of a test runner's `expect` that the suite uses. Vitest, Jest and Bun have it. */
export interface Expectation {
  toBe(expected: unknown): unknown
  toEqual(expected: unknown): unknown
  toMatchObject(expected: object): unknown
  toBeGreaterThan(expected: number): unknown
  toBeLessThanOrEqual(expected: number): unknown
}

/** A host's transaction, begun and not yet ended. */
export interface HostTransaction<Tx> {
  /** The handle as a host hands it over. */
  readonly tx: Tx
  commit(): MaybePromise<void>
  rollback(): MaybePromise<void>
}

/** A fresh, empty storage under test, and what the suite needs around it. */
export interface StorageSubject<Tx> {
  /** Migrated and empty. */
  readonly storage: Storage<Tx>
  /** Another connection to the same data, made the way another process would. Needed if `facts.processes` is `many`. */
  readonly second?: Storage<Tx>
  /** Begins a transaction of the host, on a connection of the host's own. Needed unless `facts.tx` is `none`. */
  begin?(): MaybePromise<HostTransaction<Tx>>
  /** Lets time pass in the database. Needed if `facts.clock` is `database`; an injected clock is advanced. */
  pass?(ms: Ms): Promise<void>
  /** Lets go of everything. The storages may be closed already. */
  close(): Promise<void>
}

/** The seams that a subject's storage is made with. */
export interface StorageSeams {
  readonly clock: VirtualClock
  readonly random: Random
}

/** What a case can need that not every storage has. The fact that excuses it is in {@link excuse}. */
export type Need =
  | 'transactions'
  | 'synchronous transactions'
  | 'second connection'
  | 'database clock'
  | 'injected clock'
  | Capability

/** One promise of the port, and the test of it. */
export interface StorageCase {
  readonly title: string
  readonly needs: readonly Need[]
  readonly run: (world: World) => Promise<void>
}

/** A case. Without `needs` it is for every storage. */
export const promise = (title: string, run: StorageCase['run'], ...needs: readonly Need[]): StorageCase => ({
  title,
  needs,
  run,
})

/** The fact that excuses a storage from a need, as it is printed; undefined where it must have it. */
export function excuse(need: Need, facts: Storage['facts']): string | undefined {
  switch (need) {
    case 'transactions':
      return facts.tx === 'none' ? "facts.tx is 'none'" : undefined
    case 'synchronous transactions':
      return facts.tx === 'sync' ? undefined : `facts.tx is '${facts.tx}'`
    case 'second connection':
      return facts.processes === 'one' ? "facts.processes is 'one'" : undefined
    case 'database clock':
      return facts.clock === 'injected' ? "facts.clock is 'injected'" : undefined
    case 'injected clock':
      return facts.clock === 'database' ? "facts.clock is 'database'" : undefined
    default:
      return facts.lacks?.includes(need) ? `facts.lacks has '${need}'` : undefined
  }
}

/** The tenant of everything that a case does not give another. */
export const TENANT = 'acme'
/** How long a lease lasts where a case does not say. */
export const LEASE: Ms = 60_000
const CHUNK = 1_000

type Claim = Partial<Parameters<Storage['claim']>[0]>

/** A storage, its clock, and short words for what most cases do with them. */
export type World = ReturnType<typeof openWorld>

/** The world of one case. */
export function openWorld(
  subject: StorageSubject<unknown>,
  seams: StorageSeams,
  expect: (actual: unknown) => Expectation,
) {
  const { storage } = subject
  const { clock, random } = seams
  const workers = subject.second ? [storage, subject.second] : [storage]

  // Ids that ascend in the order in which they are made, however many there are in a millisecond.
  let ids = clock.now().getTime()
  const id = (prefix: string) => newId(prefix, { ...clock, now: () => new Date(ids++) }, random)

  const secrets = [{ keyId: null, sealed: 'whsec_c2VjcmV0', signsUntil: null }]
  const newEndpoint = (over: Partial<NewEndpoint> = {}) =>
    plainEndpoint(id('ep_'), { tenant: TENANT, secrets, ...over })

  const newMessage = (over: Partial<NewMessage> = {}) =>
    plainMessage(id('msg_'), {
      tenant: TENANT,
      occurredAt: new Date('2025-12-31T23:59:59.123Z'),
      data: '{"n":1}',
      ...over,
    })

  async function pass(ms: Ms): Promise<void> {
    if (storage.facts.clock === 'injected') return clock.advance(ms)
    if (!subject.pass) throw new Error("make() must return `pass`, because facts.clock is 'database'")
    await subject.pass(ms)
    return clock.advance(ms)
  }

  /** Stores an endpoint. */
  async function endpoint(over: Partial<NewEndpoint> = {}): Promise<Endpoint> {
    const made = newEndpoint(over)
    const applied = await storage.endpoints.create(made, 1_000_000)
    const stored = await storage.endpoints.get(made.tenant, made.id)
    if (applied !== 'applied' || !stored) throw new Error('an endpoint could not be created')
    return stored
  }

  /** Stores `count` endpoints. */
  async function endpoints(count: number): Promise<Endpoint[]> {
    const made: Endpoint[] = []
    for (let i = 0; i < count; i++) made.push(await endpoint())
    return made
  }

  /** Changes a stored endpoint. */
  async function change(tenant: string, endpointId: string, over: Partial<NewEndpoint>): Promise<Applied> {
    const stored = await storage.endpoints.get(tenant, endpointId)
    if (!stored) throw new Error('there is no such endpoint')
    const { rev, createdAt: _createdAt, updatedAt: _updatedAt, ...rest } = stored
    return storage.endpoints.update({ ...rest, ...over }, rev)
  }

  /** Puts `count` messages, not yet expanded. Returns them. */
  async function put(count = 1, over: Partial<NewMessage> = {}): Promise<NewMessage[]> {
    const messages = Array.from({ length: count }, () => newMessage(over))
    for (let i = 0; i < count; i += CHUNK) await storage.put(messages.slice(i, i + CHUNK))
    return messages
  }

  /** Puts `count` messages and expands each to all of `to`. Returns the deliveries' ids, by message and then by endpoint. */
  async function send(to: readonly Endpoint[], count = 1, over: Partial<NewMessage> = {}): Promise<string[]> {
    const messages = await put(count, { tenant: to[0]?.tenant ?? TENANT, ...over })
    const expansions = messages.map((message) => ({
      messageId: message.id,
      deliveries: to.map((endpoint) => ({ id: id('dlv_'), endpointId: endpoint.id })),
    }))
    for (let i = 0; i < count; i += CHUNK) await storage.expand(expansions.slice(i, i + CHUNK))
    return expansions.flatMap(({ deliveries }) => deliveries.map((delivery) => delivery.id))
  }

  /** Claims as worker `w1`: up to 100, with room for all of them in one lane. */
  const claim = (over: Claim = {}, by: Storage = storage): Promise<readonly DeliveryLease[]> =>
    by.claim({ worker: 'w1', limit: 100, leaseMs: LEASE, cap: 100, ...over })

  /** Claims what must be exactly one piece of work. */
  async function claimOne(over: Claim = {}, by: Storage = storage): Promise<DeliveryLease> {
    const leases = await claim(over, by)
    const [lease] = leases
    if (!lease || leases.length !== 1) throw new Error(`one delivery should have been claimed, not ${leases.length}`)
    return lease
  }

  /** Settles one lease. */
  async function settle({ key, token }: LeaseRef, outcome: DeliveryOutcome, by: Storage = storage): Promise<Applied> {
    const applied = await by.settle([{ key, token, ...outcome }])
    if (applied.length !== 1) throw new Error(`one settlement has one answer, not ${applied.length}`)
    return applied[0] as Applied
  }

  /** Sends one message to `to`, and has its first attempt fail so that it waits for `retryInMs`. Returns the delivery's id. */
  async function sendAndRetry(to: Endpoint, retryInMs: Ms): Promise<string> {
    const [sent] = (await send([to])) as [string]
    const lease = (await claim()).find(({ key }) => key === sent)
    if (!lease || (await settle(lease, retry(retryInMs))) !== 'applied') throw new Error('a retry could not be set up')
    return sent
  }

  /** The lane of an endpoint. */
  async function lane(endpointId: string): Promise<Lane> {
    const [found] = await storage.lanes([endpointId])
    if (!found) throw new Error('there is no such lane')
    return found
  }

  async function view(deliveryId: string): Promise<DeliveryView> {
    const found = await storage.history.delivery(TENANT, deliveryId)
    if (!found) throw new Error('there is no such delivery')
    return found
  }

  const attempts = (deliveryId: string): Promise<readonly AttemptRecord[]> =>
    storage.history.attempts(TENANT, deliveryId)

  /** Expects a time by the store's clock, or a duration: to the millisecond if the clock is ours, within 5 s if not. */
  function expectTime(actual: Date | Ms | null | undefined, expected: Date | Ms): void {
    const [is, should] = [Number(actual ?? Number.NaN), Number(expected)]
    if (storage.facts.clock === 'injected') expect(is).toBe(should)
    else expect(Math.abs(is - should)).toBeLessThanOrEqual(5_000)
  }

  /** The host's transaction. */
  async function begin(): Promise<HostTransaction<unknown>> {
    if (!subject.begin) throw new Error(`make() must return \`begin\`, because facts.tx is '${storage.facts.tx}'`)
    return subject.begin()
  }

  function second(): Storage {
    if (!subject.second) throw new Error("make() must return `second`, because facts.processes is 'many'")
    return subject.second
  }

  return {
    expect,
    storage,
    /** The connections there are, one or two: cases about several workers use them in turn. */
    worker: (n: number) => workers[n % workers.length] as Storage,
    second,
    begin,
    clock,
    pass,
    id,
    newEndpoint,
    newMessage,
    endpoint,
    endpoints,
    change,
    put,
    send,
    claim,
    claimOne,
    settle,
    sendAndRetry,
    lane,
    view,
    attempts,
    expectTime,
  }
}

/** What an attempt found: a 500 in 12 ms, where a case does not say otherwise. */
export const report = (over: Partial<AttemptReport> = {}): AttemptReport => ({
  ms: 12,
  status: 500,
  trigger: 'schedule',
  ...over,
})

/** The outcome of an attempt that failed and is made again. */
export const retry = (retryInMs: Ms, over: Partial<AttemptReport> = {}): DeliveryOutcome => ({
  result: 'retry',
  retryInMs,
  attempt: report(over),
})

/** The outcome of an attempt that succeeded. */
export const delivered = (over: Partial<AttemptReport> = {}): DeliveryOutcome => ({
  result: 'delivered',
  attempt: report({ status: 200, ...over }),
})

/** The outcome of a last attempt that failed. */
export const failed = (reason = 'exhausted', over: Partial<AttemptReport> = {}): DeliveryOutcome => ({
  result: 'failed',
  reason,
  attempt: report(over),
})

/** The keys of leases, as they came. */
export const keysOf = (leases: readonly LeaseRef[]): string[] => leases.map(({ key }) => key)

/** How many of `leases` each endpoint has. */
export function perEndpoint(leases: readonly DeliveryLease[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { endpoint } of leases) counts.set(endpoint.id, (counts.get(endpoint.id) ?? 0) + 1)
  return counts
}

/** Ids of stored messages, as they came. */
export const idsOf = (items: readonly (StoredMessage | DeliveryView | Endpoint | NewMessage)[]): string[] =>
  items.map(({ id }) => id)
