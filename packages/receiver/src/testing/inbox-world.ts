import type { IdempotencyStore, Lease, MaybePromise, Ms } from '@hooks/core'
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
  /** Migrated and empty. */
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
export type Need = 'transactions' | 'second connection' | 'database clock'

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
  if (need === 'transactions') return facts.tx === 'none' ? "facts.tx is 'none'" : undefined
  if (need === 'second connection') return facts.processes === 'one' ? "facts.processes is 'one'" : undefined
  return facts.clock === 'injected' ? "facts.clock is 'injected'" : undefined
}

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

  return { expect, store, second, begin, clock, pass, claim, state, done }
}
