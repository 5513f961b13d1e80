import {
  type Acceptance,
  type Applied,
  type ClaimOptions,
  type IdempotencyStore,
  type Inbox,
  type InboxLease,
  type InboxOutcome,
  isHooksError,
  type Lease,
  type LeaseRef,
  type MaybePromise,
  type Ms,
  type OfReceiver,
  type StoredRequest,
  systemClock,
} from '@hooks/core'
import type { VirtualClock } from './virtual-clock.ts'

/** The part of a test runner's `expect` that the suite uses. Vitest, Jest and Bun have it. */
export interface Expectation {
  toBe(expected: unknown): unknown
  toEqual(expected: unknown): unknown
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

/** A fresh, empty store under test, and what the suite needs around it. */
export interface InboxSubject<Tx> {
  /** Migrated and empty. An `Inbox` if `facts.inbox` says so. */
  readonly store: IdempotencyStore<Tx>
  /** Another connection to the same data, made the way another process would. Needed if `facts.processes` is `many`. */
  readonly second?: IdempotencyStore<Tx>
  /** Begins a transaction of the host, on a connection of the host's own. Needed unless `facts.tx` is `none`. */
  begin?(): MaybePromise<HostTransaction<Tx>>
  /** Lets time pass in the database. Needed if `facts.clock` is `database`; an injected clock is advanced. */
  pass?(ms: Ms): Promise<void>
  /** Lets go of everything. The stores may be closed already. */
  close(): Promise<void>
}

/** What a case can need that not every store has. */
export type Need =
  | 'transactions'
  | 'synchronous transactions'
  | 'second connection'
  | 'database clock'
  | 'inbox'
  | 'pruning'

/** One promise of the port, and the test of it. */
export interface InboxCase {
  readonly title: string
  readonly needs: readonly Need[]
  readonly run: (world: World) => Promise<void>
}

/** A case. Without `needs` it is for every store. */
export const promise = (title: string, run: InboxCase['run'], ...needs: readonly Need[]): InboxCase => ({
  title,
  needs,
  run,
})

/** The fact that excuses a store from a need, as it is printed; undefined where it must have it. */
export function excuse(need: Need, facts: IdempotencyStore['facts']): string | undefined {
  switch (need) {
    case 'transactions':
      return facts.tx === 'none' ? "facts.tx is 'none'" : undefined
    case 'synchronous transactions':
      return facts.tx === 'sync' ? undefined : `facts.tx is '${facts.tx}'`
    case 'second connection':
      return facts.processes === 'one' ? "facts.processes is 'one'" : undefined
    case 'database clock':
      return facts.clock === 'injected' ? "facts.clock is 'injected'" : undefined
    case 'inbox':
      return facts.inbox ? undefined : 'facts.inbox is not set'
    case 'pruning':
      return facts.expires ? 'facts.expires is set' : undefined
  }
}

/** Whose requests they are where a case does not say. */
export const OURS: OfReceiver = { receiver: 'billing:acme' }
/** How long a lease lasts where a case does not say. */
export const LEASE: Ms = 60_000
/** How long a completed key is kept where a case does not say. */
export const KEEP: Ms = 3_600_000

/** A store, its clock, and short words for what most cases do with them. */
export type World = ReturnType<typeof openWorld>

/** The world of one case. */
export function openWorld(
  subject: InboxSubject<unknown>,
  clock: VirtualClock,
  expect: (actual: unknown) => Expectation,
) {
  const { store } = subject

  async function pass(ms: Ms): Promise<void> {
    if (store.facts.clock === 'injected') return clock.advance(ms)
    if (!subject.pass) throw new Error("make() must return `pass`, because facts.clock is 'database'")
    return subject.pass(ms)
  }

  /** Claims what must be free. */
  async function claim(key: string, leaseMs: Ms = LEASE, by: IdempotencyStore = store): Promise<Lease> {
    const begun = await by.begin(key, { leaseMs })
    if (begun.state !== 'claimed') throw new Error(`"${key}" should be free, and is ${begun.state}`)
    return begun.lease
  }

  /** What `begin` finds. It claims a key that is free. */
  async function state(key: string, by: IdempotencyStore = store): Promise<string> {
    return (await by.begin(key, { leaseMs: LEASE })).state
  }

  /** Claims and completes. */
  async function done(key: string, keepMs: Ms = KEEP): Promise<Lease> {
    const lease = await claim(key)
    expect(await store.complete(lease, { keepMs })).toBe('applied')
    return lease
  }

  async function begin(): Promise<HostTransaction<unknown>> {
    if (!subject.begin) throw new Error(`make() must return \`begin\`, because facts.tx is '${store.facts.tx}'`)
    return subject.begin()
  }

  function second(): IdempotencyStore {
    if (!subject.second) throw new Error("make() must return `second`, because facts.processes is 'many'")
    return subject.second
  }

  /** The store as the inbox that `facts.inbox` says it is. */
  const inbox = store as Inbox
  const secondInbox = () => second() as Inbox

  /** Accepts a request whose body is its key. */
  async function accept(key: string, keepMs: Ms = KEEP, by: Inbox = inbox): Promise<Acceptance> {
    return by.accept({ key, request: newRequest({ body: new TextEncoder().encode(key) }) }, { keepMs })
  }

  /** Accepts what must be new. */
  async function accepted(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const answer = await accept(key)
      if (answer !== 'accepted') throw new Error(`"${key}" should be new, and is ${answer}`)
    }
  }

  /** Claims accepted requests: up to 100. */
  const take = (over: Partial<ClaimOptions & OfReceiver> = {}, by: Inbox = inbox): Promise<readonly InboxLease[]> =>
    by.claim({ ...OURS, worker: 'w1', limit: 100, leaseMs: LEASE, ...over })

  /** Claims what must be exactly one accepted request. */
  async function takeOne(by: Inbox = inbox): Promise<InboxLease> {
    const leases = await take({}, by)
    const [lease] = leases
    if (!lease || leases.length !== 1) throw new Error(`one request should have been claimed, not ${leases.length}`)
    return lease
  }

  /** Settles one lease. */
  async function settle({ key, token }: LeaseRef, outcome: InboxOutcome, by: Inbox = inbox): Promise<Applied> {
    const applied = await by.settle([{ key, token, ...outcome }])
    if (applied.length !== 1) throw new Error(`one settlement has one answer, not ${applied.length}`)
    return applied[0] as Applied
  }

  /** Settles what must be held. */
  async function settled(lease: LeaseRef, outcome: InboxOutcome): Promise<void> {
    expect(await settle(lease, outcome)).toBe('applied')
  }

  /** What an open transaction must not do to others: it is raced by the store's clock, or by two real seconds. */
  async function within2s(answering: () => Promise<string>): Promise<string> {
    const busy = (error: unknown) => (isHooksError(error, 'storage_busy') ? 'in_progress' : String(error))
    const answer = answering().catch(busy)
    if (store.facts.clock === 'injected') await clock.advance(2_000)
    return Promise.race([answer, systemClock.sleep(2_000).then(() => 'it waits')])
  }

  return {
    expect,
    store,
    second,
    begin,
    clock,
    pass,
    claim,
    state,
    done,
    inbox,
    secondInbox,
    accept,
    accepted,
    take,
    takeOne,
    settle,
    settled,
    within2s,
  }
}

/** A request as a receiver keeps it. */
export const newRequest = (over: Partial<StoredRequest> = {}): StoredRequest => ({
  method: 'POST',
  url: 'https://example.com/hooks?source=a',
  headers: [
    ['webhook-id', 'msg_1'],
    ['content-type', 'application/json'],
  ],
  body: new TextEncoder().encode('{"n":1}'),
  keyId: '0',
  ...OURS,
  receivedAt: new Date('2025-12-31T23:59:59.123Z'),
  ...over,
})

/** The keys of leases, as they came. */
export const keysOf = (leases: readonly LeaseRef[]): string[] => leases.map(({ key }) => key)

/** How an accepted request went well. */
export const completed: InboxOutcome = { result: 'completed' }
/** How it is to be tried again. */
export const retry = (retryInMs: Ms): InboxOutcome => ({ result: 'retry', retryInMs })
/** How it is given up. */
export const dead = (reason = 'exhausted'): InboxOutcome => ({ result: 'dead', reason })
